//! Real servers of several engines and versions, each started for one test and ended with it.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::{
    fs,
    io::{
        BufRead, BufReader, Read, Write, {self},
    },
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// One version of an engine.
#[derive(Debug, Clone)]
pub struct Engine {
    pub name: String,
    pub server: PathBuf,
    pub checker: PathBuf,
    /// Whether it is Redis 7.0 or later, which has functions, listpacks, and options that older versions refuse.
    pub is_7: bool,
}

/// The system's engines and those that `make servers` has installed. Prints a message if there are none.
pub fn engines() -> Vec<Engine> {
    let mut engines = Vec::new();
    for engine in ["redis", "valkey"] {
        engines.push(Engine {
            is_7: true,
            name: format!("{engine} of the system"),
            server: format!("/usr/bin/{engine}-server").into(),
            checker: format!("/usr/bin/{engine}-check-rdb").into(),
        });
    }
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers/list");
    let list = fs::read_to_string(list).unwrap_or_default();
    engines.extend(list.lines().filter_map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
        [name, _, _, server, checker] => {
            Some(Engine { name: name.to_owned(), server: server.into(), checker: checker.into(), is_7: true })
        }
        _ => None,
    }));
    engines.retain(|engine| engine.server.exists());
    for engine in &mut engines {
        engine.is_7 = is_7(&engine.server);
    }
    if engines.is_empty() {
        println!("skipped: there is no redis-server in /usr/bin and none of `make servers`");
    } else if list.is_empty() {
        println!("only the system's engine: `make servers` brings others");
    }
    engines
}

/// `Redis server v=6.2.5 sha=...`
fn is_7(server: &Path) -> bool {
    let told = Command::new(server).arg("--version").output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let version = told.split(' ').find_map(|word| word.strip_prefix("v=")).unwrap();
    version.split('.').next().unwrap().parse::<u32>().unwrap() >= 7
}

/// A server that listens on a socket in a folder of its own.
pub struct Server {
    process: Child,
    connection: Option<BufReader<UnixStream>>,
    pub folder: tempfile::TempDir,
}

/// The reply to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Nil,
    Int(i64),
    Text(Vec<u8>),
    List(Vec<Reply>),
    Error(String),
}

impl Server {
    /// Starts an empty server.
    pub fn start(engine: &Engine, arguments: &[&str]) -> Self {
        Self::load(engine, None, arguments).unwrap_or_else(|log| panic!("{} ended: {log}", engine.name))
    }

    /// Starts a server with a file. Returns its log if it ends before it answers, as a server that refuses its file
    /// does.
    pub fn load(engine: &Engine, file: Option<&[u8]>, arguments: &[&str]) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        if let Some(file) = file {
            fs::write(folder.path().join("dump.rdb"), file).unwrap();
        }
        let (socket, log) = (folder.path().join("socket"), folder.path().join("log"));
        let process = Command::new(&engine.server)
            .args(["--bind", "127.0.0.1", "--port", "0", "--save", ""])
            // Older versions do not have this option, and allow DEBUG.
            .args(if engine.is_7 { &["--enable-debug-command", "local"][..] } else { &[] })
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--dir")
            .arg(folder.path())
            .args(arguments)
            .stdout(fs::File::create(&log).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { process, connection: None, folder };
        let deadline = Instant::now() + Duration::from_mins(1);
        while server.process.try_wait().unwrap().is_none() {
            if let Ok(connection) = UnixStream::connect(&socket) {
                connection.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
                server.connection = Some(BufReader::new(connection));
                // A server that is loading answers with an error; one that dies of its file does not answer.
                if let Ok(Reply::Text(_)) = server.try_call(&[b"PING"]) {
                    return Ok(server);
                }
            }
            assert!(Instant::now() < deadline, "{} does not answer on {}", engine.name, socket.display());
            thread::sleep(Duration::from_millis(5));
        }
        Err(String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned())
    }

    /// Runs a command. Panics if the reply is an error.
    #[track_caller]
    pub fn call(&mut self, words: &[&[u8]]) -> Reply {
        match self.try_call(words).unwrap() {
            Reply::Error(error) => panic!("{}: {error}", String::from_utf8_lossy(words[0])),
            reply => reply,
        }
    }

    /// Runs a command of text words. Panics if the reply is an error.
    #[track_caller]
    pub fn run(&mut self, words: &[&str]) -> Reply {
        self.call(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>())
    }

    /// Makes the server write its file, and returns the file.
    pub fn save(&mut self) -> Vec<u8> {
        self.run(&["SAVE"]);
        fs::read(self.folder.path().join("dump.rdb")).unwrap()
    }

    /// Whether the server has a command.
    pub fn knows(&mut self, command: &str) -> bool {
        matches!(self.run(&["COMMAND", "INFO", command]), Reply::List(found) if found[0] != Reply::Nil && found[0] != Reply::List(vec![]))
    }

    /// Runs a command. Returns an error if the server is gone.
    pub fn try_call(&mut self, words: &[&[u8]]) -> io::Result<Reply> {
        let connection = self.connection.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let mut command = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            command.extend(format!("${}\r\n", word.len()).as_bytes());
            command.extend(*word);
            command.extend(b"\r\n");
        }
        connection.get_mut().write_all(&command)?;
        read_reply(connection)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Reply {
    #[track_caller]
    pub fn int(&self) -> i64 {
        let Self::Int(number) = self else { panic!("{self:?}") };
        *number
    }

    #[track_caller]
    pub fn bytes(&self) -> &[u8] {
        let Self::Text(text) = self else { panic!("{self:?}") };
        text
    }

    #[track_caller]
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }

    #[track_caller]
    pub fn list(&self) -> &[Self] {
        let Self::List(list) = self else { panic!("{self:?}") };
        list
    }
}

fn read_reply(connection: &mut BufReader<UnixStream>) -> io::Result<Reply> {
    let mut line = Vec::new();
    connection.read_until(b'\n', &mut line)?;
    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
    let Some((kind, rest)) = line.split_at_checked(1) else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    Ok(match kind {
        "+" => Reply::Text(rest.as_bytes().to_vec()),
        "-" => Reply::Error(rest.to_owned()),
        ":" => Reply::Int(rest.parse().unwrap()),
        "$" | "*" if rest == "-1" => Reply::Nil,
        "$" => {
            let mut text = vec![0; rest.parse::<usize>().unwrap() + 2];
            connection.read_exact(&mut text)?;
            text.truncate(text.len() - 2);
            Reply::Text(text)
        }
        "*" => {
            let replies = (0..rest.parse::<usize>().unwrap()).map(|_| read_reply(connection));
            Reply::List(replies.collect::<io::Result<_>>()?)
        }
        _ => panic!("a reply that begins with {kind}"),
    })
}
