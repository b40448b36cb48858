"""A key with an AWS alias, such as alias/aws/s3, is managed by AWS. moto reports every key as customer managed."""


def apply() -> None:
    from moto.kms.models import Key

    original = Key.to_dict

    def to_dict(self):
        described = original(self)
        if any(alias.startswith("alias/aws/") for alias in self.aliases):
            described["KeyMetadata"]["KeyManager"] = "AWS"
        return described

    Key.to_dict = to_dict
