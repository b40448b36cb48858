//! What the source says of structs that become JSON: the names of their members, and the comments on them.

use std::{collections::BTreeMap, fs};

use syn::{Attribute, Expr, ExprLit, Fields, GenericArgument, Item, Lit, Meta, PathArguments, Type};

use crate::project_file;

/// The structs and enums of some files, by name.
#[derive(Debug, Default)]
pub struct Source {
    structs: BTreeMap<String, Vec<Field>>,
    enums: BTreeMap<String, Vec<(String, String)>>,
}

/// A field of a struct.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name in JSON.
    pub name: String,
    /// First paragraph of its comment, on one line.
    pub meaning: String,
    /// What stands after `Values:` in the comment.
    pub values: Option<String>,
    /// What stands after `Default:` in the comment.
    pub default: Option<String>,
    /// Type.
    pub kind: Kind,
    /// Whether its value may be null.
    pub nullable: bool,
    /// Whether the member is absent for some values.
    pub skipped: bool,
    /// Whether the member may be absent, for this reason or with the struct that it is flattened from.
    pub optional: bool,
    /// Whether the members of its type are members of this struct.
    pub flatten: bool,
}

/// Type of a field, without `Option`, references and boxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A type by its name.
    Plain(String),
    /// A list of these.
    List(Box<Kind>),
    /// A map from strings to these.
    Map(Box<Kind>),
}

impl Kind {
    /// The name of the type in any lists and maps around it.
    pub fn name(&self) -> &str {
        match self {
            Self::Plain(name) => name,
            Self::List(inner) | Self::Map(inner) => inner.name(),
        }
    }

    /// The name of the type, as a member of a table: `[]` for each item of a list, `.*` for each of a map.
    pub fn suffix(&self) -> String {
        match self {
            Self::Plain(_) => String::new(),
            Self::List(inner) => format!("[]{}", inner.suffix()),
            Self::Map(inner) => format!(".*{}", inner.suffix()),
        }
    }
}

impl Source {
    /// Reads files of the project.
    pub fn read(files: &[&str]) -> Self {
        let mut source = Self::default();
        for file in files {
            let text = fs::read_to_string(project_file(file)).unwrap();
            for item in syn::parse_file(&text).unwrap().items {
                source.add(item);
            }
        }
        source
    }

    fn add(&mut self, item: Item) {
        match item {
            Item::Struct(item) => {
                let Fields::Named(fields) = item.fields else { return };
                let fields = fields.named.iter().map(Field::of).collect();
                let earlier = self.structs.insert(item.ident.to_string(), fields);
                assert!(earlier.is_none(), "two structs are called {}", item.ident);
            }
            Item::Enum(item) if item.variants.iter().all(|variant| variant.fields.is_empty()) => {
                let Some(style) = serde(&item.attrs).rename_all else { return };
                let variants = item.variants.iter().map(|variant| {
                    (in_style(&variant.ident.to_string(), &style), Comment::of(&variant.attrs).meaning)
                });
                self.enums.insert(item.ident.to_string(), variants.collect());
            }
            _ => {}
        }
    }

    /// The fields of a struct, with those of flattened ones in their place; nothing if it is not in the files.
    pub fn fields(&self, name: &str) -> Option<Vec<Field>> {
        let mut all = Vec::new();
        for field in self.structs.get(name)? {
            if !field.flatten {
                all.push(field.clone());
                continue;
            }
            let inner = self.fields(field.kind.name());
            let inner = inner.unwrap_or_else(|| panic!("{} is not in the files", field.kind.name()));
            all.extend(
                inner.into_iter().map(|one| Field { optional: one.optional || field.nullable, ..one }),
            );
        }
        Some(all)
    }

    /// The variants of an enum as in JSON, with what they mean.
    pub fn variants(&self, name: &str) -> Option<&[(String, String)]> {
        self.enums.get(name).map(Vec::as_slice)
    }
}

impl Field {
    fn of(field: &syn::Field) -> Self {
        let attributes = serde(&field.attrs);
        let Comment { meaning, values, default } = Comment::of(&field.attrs);
        let rust_name = field.ident.as_ref().unwrap().to_string();
        let (kind, nullable) = kind(&field.ty);
        Self {
            name: attributes.rename.unwrap_or_else(|| camel_case(&rust_name)),
            meaning,
            values,
            default,
            kind,
            nullable,
            skipped: attributes.may_be_absent,
            optional: attributes.may_be_absent,
            flatten: attributes.flatten,
        }
    }
}

/// A comment, by its parts.
#[derive(Default)]
struct Comment {
    meaning: String,
    values: Option<String>,
    default: Option<String>,
}

impl Comment {
    fn of(attributes: &[Attribute]) -> Self {
        let mut comment = Self::default();
        let mut paragraph = 0;
        for line in attributes.iter().filter_map(doc_line) {
            let line = line.trim();
            if line.is_empty() {
                paragraph += 1;
            } else if let Some(values) = line.strip_prefix("Values: ") {
                comment.values = Some(values.to_owned());
            } else if let Some(default) = line.strip_prefix("Default: ") {
                comment.default = Some(default.to_owned());
            } else if paragraph == 0 {
                let space = if comment.meaning.is_empty() { "" } else { " " };
                comment.meaning = format!("{}{space}{line}", comment.meaning);
            }
        }
        comment.meaning = without_code_links(&comment.meaning);
        comment
    }
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// Links to code become the names of members: ``[`crate::BigKey::key`]`` is `key`.
fn without_code_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        let (path, after) = after.split_once("`]").unwrap();
        let name = path.rsplit("::").next().unwrap();
        plain += before;
        // A link with an address stays as it is.
        let link =
            if after.starts_with('(') { format!("[`{path}`]") } else { format!("`{}`", camel_case(name)) };
        plain += &link;
        rest = after;
    }
    plain + rest
}

/// What serde is asked for.
#[derive(Default)]
struct Serde {
    rename: Option<String>,
    rename_all: Option<String>,
    flatten: bool,
    may_be_absent: bool,
}

fn serde(attributes: &[Attribute]) -> Serde {
    let mut found = Serde::default();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let parsed = attribute.parse_nested_meta(|meta| {
            let is = |name| meta.path.is_ident(name);
            let text =
                if meta.input.peek(syn::Token![=]) { Some(meta.value()?.parse::<Lit>()?) } else { None };
            let text = match text {
                Some(Lit::Str(text)) => Some(text.value()),
                _ => None,
            };
            if is("rename") {
                found.rename = text;
            } else if is("rename_all") {
                found.rename_all = text;
            } else if is("flatten") {
                found.flatten = true;
            } else if is("skip_serializing_if") {
                found.may_be_absent = true;
            }
            Ok(())
        });
        parsed.unwrap();
    }
    found
}

/// The type inside, and whether it is an `Option`.
fn kind(of: &Type) -> (Kind, bool) {
    match of {
        Type::Reference(inner) => kind(&inner.elem),
        Type::Slice(inner) => (Kind::List(Box::new(kind(&inner.elem).0)), false),
        Type::Path(path) => {
            let last = path.path.segments.last().unwrap();
            let inner: Vec<_> = match &last.arguments {
                PathArguments::AngleBracketed(inside) => inside.args.iter().filter_map(a_type).collect(),
                _ => Vec::new(),
            };
            match (last.ident.to_string().as_str(), &inner[..]) {
                ("Option", [inner]) => (kind(inner).0, true),
                ("Box", [inner]) => kind(inner),
                ("Vec", [inner]) => (Kind::List(Box::new(kind(inner).0)), false),
                ("BTreeMap", [_, inner]) => (Kind::Map(Box::new(kind(inner).0)), false),
                (name, _) => (Kind::Plain(name.to_owned()), false),
            }
        }
        // No documented member has such a type.
        _ => (Kind::Plain(String::new()), false),
    }
}

fn a_type(argument: &GenericArgument) -> Option<&Type> {
    match argument {
        GenericArgument::Type(of) => Some(of),
        _ => None,
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_ascii_uppercase() + tail
    })
}

fn in_style(variant: &str, style: &str) -> String {
    match style {
        "lowercase" => variant.to_ascii_lowercase(),
        "UPPERCASE" => variant.to_ascii_uppercase(),
        "camelCase" => {
            let (head, tail) = variant.split_at(1);
            head.to_ascii_lowercase() + tail
        }
        "kebab-case" => {
            let mut text = String::new();
            for letter in variant.chars() {
                if letter.is_ascii_uppercase() && !text.is_empty() {
                    text.push('-');
                }
                text.push(letter.to_ascii_lowercase());
            }
            text
        }
        other => panic!("names in {other} are not expected"),
    }
}
