//! `seeder backup` over TLS, from a real server; skipped if there is none with TLS.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

mod backing_up;
#[path = "../../rdb-scan/tests/common/server.rs"]
mod server;

use std::{fs, path::Path};

use backing_up::{an_engine, backup, expect, free_port, names};
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use server::Server;

/// Writes the certificate of an authority, and returns what it signs with.
fn authority(folder: &Path, name: &str) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    fs::write(folder.join(format!("{name}.crt")), params.self_signed(&key).unwrap().pem()).unwrap();
    Issuer::new(params, key)
}

/// Writes a certificate for a host, and its key.
fn certificate(folder: &Path, name: &str, host: &str, authority: &Issuer<'_, KeyPair>) {
    let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    sign(folder, name, &params, authority);
}

fn sign(folder: &Path, name: &str, params: &CertificateParams, authority: &Issuer<'_, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let certificate: Certificate = params.signed_by(&key, authority).unwrap();
    fs::write(folder.join(format!("{name}.crt")), certificate.pem()).unwrap();
    fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

#[test]
fn servers_and_clients_are_known_by_their_certificates() {
    let Some(engine) = an_engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let issuer = authority(path, "ca");
    authority(path, "other");
    certificate(path, "server", "cache.example", &issuer);
    certificate(path, "client", "client", &issuer);
    let file = |name: &str| path.join(name).display().to_string();
    let port = free_port();
    let (tls, certificate, key, ca) =
        (port.to_string(), file("server.crt"), file("server.key"), file("ca.crt"));
    let arguments = ["--tls-port", &tls, "--tls-cert-file", &certificate, "--tls-key-file", &key];
    let more = ["--tls-ca-cert-file", &ca, "--tls-auth-clients", "yes", "--repl-diskless-sync-delay", "0"];
    let Ok(mut server) = Server::load(&engine, None, &[arguments, more].concat()) else {
        println!("skipped: {} has no TLS", engine.name);
        return;
    };
    server.run(&["SET", "key", "value"]);
    let to = tempfile::tempdir().unwrap();
    let source = format!("rediss://127.0.0.1:{port}");
    let (client, client_key) = (file("client.crt"), file("client.key"));
    let run = |words: &[&str]| {
        let output = backup(to.path(), &[&[&*source, "new.rdb", "--force"], words].concat());
        let expected: &[&str] = if output.status.success() { &["new.rdb"] } else { &[] };
        assert_eq!(names(to.path()), expected);
        let _ = fs::remove_file(to.path().join("new.rdb"));
        output
    };
    let trusted = ["--ca", &ca, "--server-name", "cache.example"];
    let known = ["--cert", &client, "--key", &client_key];
    expect(&run(&[trusted, known].concat()), 0, "1 keys");
    // Versions before 1.3 end in another way.
    server.run(&["CONFIG", "SET", "tls-protocols", "TLSv1.2"]);
    expect(&run(&[trusted, known].concat()), 0, "1 keys");
    server.run(&["CONFIG", "SET", "tls-protocols", "TLSv1.3"]);

    expect(&run(&known), 3, "name the file of its certificate authority by --ca");
    let other = file("other.crt");
    expect(&run(&["--ca", &other, "--server-name", "cache.example"]), 3, "by --ca");
    expect(&run(&["--ca", &ca]), 3, "by --server-name");
    expect(&run(&trusted), 3, "CertificateRequired");
    expect(&run(&[&trusted[..], &["--cert", &client]].concat()), 2, "--key");
    expect(&run(&["--ca", "none.crt"]), 2, "none.crt");
    expect(&run(&["--ca", &client_key]), 2, "there is no certificate in it");
    expect(&run(&[&trusted[..], &["--cert", &client, "--key", &client]].concat()), 2, "client.crt");

    // A clock that is off, on either side.
    let mut params = CertificateParams::new(vec!["cache.example".to_owned()]).unwrap();
    for (name, from, to) in [("early", 2100, 2101), ("late", 1990, 1991)] {
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        sign(path, name, &params, &issuer);
        let (certificate, key) = (file(&format!("{name}.crt")), file(&format!("{name}.key")));
        server.run(&["CONFIG", "SET", "tls-cert-file", &certificate, "tls-key-file", &key]);
        expect(
            &run(&[trusted, known].concat()),
            3,
            "renew the certificate, or set the clock of this machine",
        );
    }

    // TLS where there is none, and none where there is.
    let plain = backup(to.path(), &[&format!("redis://127.0.0.1:{port}"), "x", "--timeout-seconds", "5"]);
    expect(&plain, 3, "redis://127.0.0.1");
    let port = free_port();
    server.run(&["CONFIG", "SET", "port", &port.to_string()]);
    let words = [&format!("rediss://127.0.0.1:{port}"), "x", "--ca", &ca, "--timeout-seconds", "5"];
    expect(&backup(to.path(), &words), 3, "is there TLS on this port?");
    assert!(names(to.path()).is_empty());
}
