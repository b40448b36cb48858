//! What `INFO` says.

use std::collections::BTreeMap;

/// The fields of `INFO`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Info {
    fields: BTreeMap<String, String>,
    modules: Vec<String>,
}

impl Info {
    /// Parses the reply.
    pub fn parse(text: &str) -> Self {
        let mut info = Self::default();
        let pairs =
            text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
        for (name, value) in pairs {
            if name == "module" {
                // name=ReJSON,ver=20000,…
                let name = value.split(',').find_map(|pair| pair.strip_prefix("name="));
                info.modules.extend(name.map(str::to_owned));
            } else {
                info.fields.insert(name.to_owned(), value.trim().to_owned());
            }
        }
        info
    }

    /// A field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// A field that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// The modules that are loaded.
    pub fn modules(&self) -> &[String] {
        &self.modules
    }

    /// The numbers of the databases that have keys, and the number of all keys.
    pub fn databases(&self) -> (usize, u64) {
        // db0:keys=1,expires=0,avg_ttl=0
        let keys = |value: &str| {
            value
                .split(',')
                .find_map(|pair| pair.strip_prefix("keys="))
                .and_then(|keys| keys.parse::<u64>().ok())
        };
        let is_database =
            |name: &str| name.strip_prefix("db").is_some_and(|number| number.parse::<u32>().is_ok());
        let all =
            self.fields.iter().filter(|(name, _)| is_database(name)).filter_map(|(_, value)| keys(value));
        all.fold((0, 0), |(databases, sum), keys| (databases + 1, sum + keys))
    }

    /// The product and its version, such as `Valkey 8.1.1`.
    pub fn server(&self) -> Option<String> {
        match (self.get("valkey_version"), self.get("redis_version")) {
            (Some(version), _) => Some(format!("Valkey {version}")),
            (None, Some(version)) => Some(format!("Redis {version}")),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_modules_and_databases_are_found() {
        let info = Info::parse(
            "# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.1.1\r\nused_memory:12\r\n\r\n# Modules\r\nmodule:name=ReJSON,ver=2\r\n\
             # Keyspace\r\ndb0:keys=2,expires=0\r\ndb11:keys=5,expires=1,avg_ttl=0\r\ndbfile:x\r\n",
        );
        assert_eq!(info.number("used_memory"), Some(12));
        assert_eq!(info.modules(), ["ReJSON"]);
        assert_eq!(info.databases(), (2, 7));
        assert_eq!(info.server().as_deref(), Some("Valkey 8.1.1"));
        assert_eq!(Info::default().server(), None);
    }
}
