//! The engines that `make servers` installs.
use std::path::PathBuf;

/// An engine, one line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Its name, such as `valkey-8.1`.
    pub name: String,
    /// `redis` or `valkey`.
    pub engine: String,
    /// Its full version, such as `8.1.1`.
    pub version: String,
    /// The path of the server.
    pub server: PathBuf,
    /// The path of the RDB checker.
    pub check: PathBuf,
}

impl Engine {
    /// The version as numbers, which sort correctly.
    pub fn numbers(&self) -> Vec<u64> {
        self.version.split('.').map_while(|number| number.parse().ok()).collect()
    }
}

/// Parses a list with lines `NAME ENGINE VERSION SERVER-PATH CHECK-RDB-PATH`. Skips other lines.
pub fn listed(list: &str) -> impl Iterator<Item = Engine> {
    list.lines().filter_map(|line| {
        // Both paths end with the program's name, and may contain spaces before it.
        const SERVER_ENDS: &str = "-server ";
        let mut fields = line.splitn(4, ' ');
        let (name, engine, version, paths) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let (server, check) = paths.split_at_checked(paths.find(SERVER_ENDS)? + SERVER_ENDS.len())?;
        Some(Engine {
            name: name.to_owned(),
            engine: engine.to_owned(),
            version: version.to_owned(),
            server: server.trim_end().into(),
            check: check.into(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_have_spaces_and_broken_lines_are_left_out() {
        let list = "redis-7.0 redis 7.0.15 /t s/redis-server /t s/redis-check-rdb\nbroken\nvalkey-9 valkey 9 /v /w\n";
        let found: Vec<Engine> = listed(list).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "redis-7.0");
        assert_eq!(found[0].numbers(), [7, 0, 15]);
        assert_eq!(found[0].server, PathBuf::from("/t s/redis-server"));
        assert_eq!(found[0].check, PathBuf::from("/t s/redis-check-rdb"));
    }
}
