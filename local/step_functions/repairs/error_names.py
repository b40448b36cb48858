"""moto turns States.* errors that leave a Map or a Parallel into States.Runtime. AWS keeps their names."""


def apply() -> None:
    from moto.stepfunctions.parser.asl.component.common.error_name import custom_error_name
    from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName

    def init(self, error_name):
        # moto's own constructor rejects names that begin with "States.".
        ErrorName.__init__(self, error_name=error_name)

    custom_error_name.CustomErrorName.__init__ = init
