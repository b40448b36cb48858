"""A key behind an alias of AWS (alias/aws/s3) is managed by AWS; moto says of every key that the customer manages it."""


def apply() -> None:
    from moto.kms.models import Key

    original = Key.to_dict

    def to_dict(self):
        described = original(self)
        if any(alias.startswith("alias/aws/") for alias in self.aliases):
            described["KeyMetadata"]["KeyManager"] = "AWS"
        return described

    Key.to_dict = to_dict
