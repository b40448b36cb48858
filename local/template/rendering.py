"""Reads the template and evaluates its expressions as CloudFormation does."""

import re

import yaml

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "elasticache-seeder",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Loads YAML with CloudFormation's short forms, converted to the long forms."""


def _short_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _short_form)


class Template:
    """The template with values for its parameters, or else their defaults.

    `references` maps resources to the value of a Ref. By default, that is the resource's name in lower case. `pseudo`
    overrides pseudo parameters, such as AWS::Partition.
    """

    def __init__(self, text, references=None, pseudo=None, **parameters):
        self.body = yaml.load(text, Loader)
        self.references = references or {}
        self.pseudo = PSEUDO | (pseudo or {})
        # What a GetAtt gives: {"RESOURCE.ATTRIBUTE": value}. What is not here is named after both, in lower case.
        self.attributes = {}
        self.parameters = {name: str(one.get("Default", "")) for name, one in self.body["Parameters"].items()}
        self.parameters.update(parameters)

    def resources(self, kind):
        return {name: one for name, one in self.body["Resources"].items() if one["Type"] == kind}

    def holds(self, condition):
        if isinstance(condition, str):
            return self.holds(self.body["Conditions"][condition])
        (function, value), = condition.items()
        match function:
            case "Condition":
                return self.holds(value)
            case "Fn::Equals":
                return self.render(value[0]) == self.render(value[1])
            case "Fn::Not":
                return not self.holds(value[0])
            case "Fn::And":
                return all(self.holds(one) for one in value)
            case "Fn::Or":
                return any(self.holds(one) for one in value)
        raise ValueError(f"unknown condition function {function}")

    def render(self, value):
        if isinstance(value, list):
            return [one for one in map(self.render, value) if one is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, argument), = value.items()
            if function == "Ref":
                return self._ref(argument)
            if function.startswith("Fn::"):
                return self._function(function, argument)
        rendered = {name: self.render(one) for name, one in value.items()}
        return {name: one for name, one in rendered.items() if one is not NO_VALUE}

    def _ref(self, name):
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        # `FUNCTION.Version` is SAM's name for the version that it publishes.
        if name.split(".")[0] not in self.body["Resources"]:
            raise ValueError(f"Ref to {name}, which is neither a parameter nor a resource")
        return self.references.get(name, name.lower())

    def _function(self, function, argument):
        match function:
            case "Fn::If":
                return self.render(argument[1] if self.holds(argument[0]) else argument[2])
            case "Fn::Join":
                return argument[0].join(str(one) for one in self.render(argument[1]))
            case "Fn::Split":
                return self.render(argument[1]).split(argument[0])
            case "Fn::GetAtt":
                name = ".".join(argument)
                return self.attributes.get(name, f"{argument[0].lower()}.{argument[1]}")
            case "Fn::FindInMap":
                name, first, second = self.render(argument)
                return self.body["Mappings"][name][first][second]
            case "Fn::Sub":
                text, values = (argument, {}) if isinstance(argument, str) else argument
                values = {name: self.render(one) for name, one in values.items()}
                return re.sub(r"\$\{([^}!]+)\}", lambda found: self._substitute(found[1], values), text)
        raise ValueError(f"unknown function {function}")

    def _substitute(self, name, values):
        if name in values:
            return str(values[name])
        if "." in name:
            return self.attributes.get(name, name.lower())
        return str(self._ref(name))
