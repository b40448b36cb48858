//! What was done to a file, and what follows its end: each is reported by name, and nothing without evidence.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use common::{Rdb, all_types, read};
use rdb_scan::{
    Cause, Control, FaultCode, Hazard, HazardCode, InspectOptions, Inspected, Inspection, Position, inspect,
    read_header,
};

const MARK: &[u8] = b"aa88e62d8be28e627e8a9e37ae8534812516ab77";

/// A file as servers write it, with AUX fields, and with values that are text.
fn of_a_server() -> Vec<u8> {
    let aux = Rdb::new().raw(&[250]).text(b"redis-ver").text(b"7.0.15");
    let aux = aux.raw(&[250]).text(b"redis-bits").raw(&[0xc0, 64]);
    with_keys(aux.raw(&[250]).text(b"used-mem").raw(&[0xc2, 0x90, 8, 0x11, 0])).end()
}

/// A file of a server before Redis 3.2, with some lengths of 10.
fn of_an_old_server() -> Vec<u8> {
    with_keys(Rdb::with_header("REDIS0006").database(0)).end()
}

fn with_keys(rdb: Rdb) -> Rdb {
    (0..200).fold(rdb, |rdb, index| {
        let rdb = rdb.key(0, &format!("key:{index:06}")).text(format!("{index}\nline").as_bytes());
        rdb.key(5, &format!("z{index}")).len(1).text(b"m").raw(&(-1.5f64 - f64::from(index)).to_le_bytes())
    })
}

fn with_cr(file: &[u8]) -> Vec<u8> {
    file.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] }).collect()
}

fn latin_1(file: &[u8]) -> Vec<u8> {
    file.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes()
}

fn utf_16(file: &[u8]) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(file.iter().flat_map(|byte| [*byte, 0])).collect()
}

/// Checks the cause of the first fault, and what its message says.
#[track_caller]
fn expect(file: &[u8], cause: Cause, says: &str) -> Inspection {
    let inspection = read(file);
    let fault = inspection.faults.first().unwrap();
    assert_eq!(fault.cause, Some(cause), "{}", fault.message);
    assert!(fault.message.contains(says), "{}", fault.message);
    // The same if the size of the file is unknown and it arrives in small pieces.
    assert_eq!(streamed(file).faults, inspection.faults);
    inspection
}

/// Reads the file as from a pipe that returns seven bytes at a time.
fn streamed(file: &[u8]) -> Inspection {
    struct Drops<'f>(&'f [u8]);
    impl std::io::Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let (now, rest) = self.0.split_at(self.0.len().min(buffer.len()).min(7));
            buffer[..now.len()].copy_from_slice(now);
            self.0 = rest;
            Ok(now.len())
        }
    }
    let options = InspectOptions::default();
    match inspect(Drops(file), &Position::default(), &options, &mut |_| Control::Continue).unwrap() {
        Inspected::Complete(inspection) | Inspected::Paused(inspection, _) => inspection,
    }
}

#[test]
fn a_file_that_was_taken_for_text_is_told_by_its_beginning() {
    for file in [of_a_server(), of_an_old_server()] {
        let lossy = String::from_utf8_lossy(&file).into_owned();
        expect(lossy.as_bytes(), Cause::ReplacementCharacters, "EF BF BD");
        let questions: Vec<_> = file.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }).collect();
        expect(&questions, Cause::QuestionMarks, "question mark");
        expect(&latin_1(&file), Cause::RecodedText, "Latin-1");
        expect(&utf_16(&file), Cause::Utf16, "UTF-16");
        expect(&utf_16(&file)[2..], Cause::Utf16, "UTF-16");
        let marked = [b"\xef\xbb\xbf", lossy.as_bytes()].concat();
        expect(&marked, Cause::ReplacementCharacters, "byte order mark");
    }
}

#[test]
fn line_ends_are_told_by_the_beginning_or_by_the_broken_record() {
    let inspection = expect(&with_cr(&of_a_server()), Cause::LineEnds, "docker exec -t");
    assert!(inspection.faults[0].offset < 100);
    // No AUX field shows the cause, and the first fault comes after a long value without an LF.
    let long = Rdb::with_header("REDIS0006").database(0).key(0, "long").text(&vec![b'x'; 2_000_000]);
    expect(&with_cr(&with_keys(long).end()), Cause::LineEnds, "docker exec -t");
    expect(&with_cr(&of_an_old_server()), Cause::LineEnds, "docker exec -t");
}

#[test]
fn texts_with_such_line_ends_are_no_sign() {
    let text = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>\r\n</html>\r\n".repeat(10);
    for header in ["REDIS0006", "REDIS0010"] {
        let rdb = Rdb::with_header(header).database(0).key(0, "page").text(&text).key(4, "hash").len(2);
        let mut file = rdb.text(&text).text(&text).text(&text).raw(&[0xc8]).text(&text).end();
        assert_eq!(read(&file).faults[0].cause, None, "{header}");
        file.truncate(text.len() + 40);
        assert_eq!(read(&file).faults[0].cause, None, "{header}");
    }
}

#[test]
fn a_bit_that_flipped_has_no_cause() {
    let sound = of_a_server();
    for place in (9..150).chain((150..sound.len()).step_by(11)) {
        for bit in [0x01, 0x10, 0x80] {
            let mut file = sound.clone();
            file[place] ^= bit;
            let inspection = read(&file);
            assert!(inspection.faults.iter().all(|fault| fault.cause.is_none()), "{place} ^ {bit}");
        }
    }
}

#[test]
fn zeros_to_the_end_are_told_with_their_offset() {
    expect(&[0; 5000], Cause::Zeros, "zeros");
    let sound = of_a_server();
    for from in [9, 100, sound.len() / 2, sound.len() - 12] {
        for zeros in [1024, 700_000, 1_200_001] {
            let mut file = sound[..from].to_vec();
            let from = from - file.iter().rev().take_while(|byte| **byte == 0).count();
            file.resize(from + zeros, 0);
            let inspection = read(&file);
            let fault = inspection.faults.last().unwrap();
            assert_eq!(fault.cause, Some(Cause::Zeros), "{from} {zeros} {}", fault.message);
            assert!(fault.message.contains(&format!("from offset {from} on")), "{}", fault.message);
            assert_eq!(streamed(&file).faults, inspection.faults);
        }
    }
    // A truncated bitmap of zeros is only too short.
    let bitmap = Rdb::new().filler().key(0, "bitmap").text(&vec![0; 100_000]).end();
    assert_eq!(read(&bitmap[..50_000]).faults[0].cause, None);
}

#[test]
fn what_is_no_rdb_file_is_told_with_what_to_do() {
    let rdb = of_a_server();
    let stream = [b"$EOF:", MARK, b"\r\n", &rdb[..], MARK].concat();
    expect(&stream, Cause::ReplicationStream, "begins at offset 47 and ends before the last 40 bytes");
    let answered =
        [b"+FULLRESYNC 890702981688c27606277db72707196c6e81574a 0\r\n\n\n".as_slice(), &stream].concat();
    expect(&answered, Cause::ReplicationStream, "begins at offset 105 and");
    let reply = [format!("\n\n${}\r\n", rdb.len()).as_bytes(), &rdb].concat();
    let says = format!("begins at offset {} and is {} bytes long", reply.len() - rdb.len(), rdb.len());
    expect(&reply, Cause::BulkReply, &says);
    expect(b"UkVESVMwMDEw+glyZWRpcy12ZXIGNy4wLjE1", Cause::Base64, "base64 -d");
    expect(b"VkFMS0VZMDgw+glyZWRpcy12ZXIGNy4wLjE1", Cause::Base64, "base64 -d");
    expect(b"<!DOCTYPE html>\n<html><title>404", Cause::Html, "HTML");
    let error = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message>";
    expect(error, Cause::Xml, "S3's error AccessDenied");
    expect(b"\xef\xbb\xbf <Error><Code>NoSuchKey</Code>", Cause::Xml, "NoSuchKey");
    for (start, cause) in [
        (&b"\x1f\x8b\x08\0"[..], Cause::Gzip),
        (b"\x28\xb5\x2f\xfd\0", Cause::Zstd),
        (b"\xfd7zXZ\0\0", Cause::Xz),
        (b"PK\x03\x04", Cause::Zip),
    ] {
        assert_eq!(expect(start, cause, "first").faults[0].code, FaultCode::NotAnRdb);
        assert_eq!(read_header(start).unwrap_err().cause, Some(cause));
    }
    assert_eq!(read(b"$EOF:short\r\nREDIS0010").faults[0].cause, None);
    assert_eq!(read(b"$5\r\nhello\r\n").faults[0].cause, None);
}

#[track_caller]
fn behind(tail: &[u8]) -> Vec<Hazard> {
    let file = [&Rdb::new().filler().end()[..], tail].concat();
    let [known, unknown] = [read(&file), streamed(&file)];
    assert_eq!(known.faults, []);
    assert_eq!(known, unknown, "with the size and without");
    known.hazards
}

#[test]
fn what_follows_the_end_is_told_by_name() {
    use HazardCode::{AnotherRdb, AofTail, Padding, ReplicationEndMark, TrailingBytes};

    let end = Rdb::new().filler().end().len() as u64;
    let another = all_types();
    let valkey = Rdb::with_header("VALKEY080").filler().end();
    let commands = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n".to_vec();
    for (tail, expected) in [
        (another.clone(), &[(AnotherRdb, 0)][..]),
        (valkey, &[(AnotherRdb, 0)]),
        ([MARK, &another].concat(), &[(ReplicationEndMark, 0), (AnotherRdb, 40)]),
        ([&[0; 300], &another[..]].concat(), &[(AnotherRdb, 300)]),
        (commands.clone(), &[(AofTail, 0)]),
        ([MARK, &commands].concat(), &[(ReplicationEndMark, 0), (AofTail, 40)]),
        (MARK.to_vec(), &[(ReplicationEndMark, 0)]),
        ([MARK, &[0; 20]].concat(), &[(ReplicationEndMark, 0), (Padding, 40)]),
        (vec![0], &[(Padding, 0)]),
        (vec![0; 1_000_000], &[(Padding, 0)]),
        (b"\n".to_vec(), &[(TrailingBytes, 0)]),
        (b"REDIS".to_vec(), &[(TrailingBytes, 0)]),
        (MARK[1..].to_vec(), &[(TrailingBytes, 0)]),
        ([MARK, b"ab"].concat(), &[(TrailingBytes, 0)]),
        ([&[0; 1000], &b"x"[..]].concat(), &[(TrailingBytes, 0)]),
    ] {
        let hazards = behind(&tail);
        let found: Vec<_> = hazards.iter().map(|hazard| (hazard.code, hazard.offset - end)).collect();
        assert_eq!(found, expected, "{} bytes: {hazards:?}", tail.len());
    }
    let message = &behind(&another)[0].message;
    let says = format!("another RDB file (REDIS version 14) begins at offset {end}");
    assert!(message.contains(&says), "{message}");
    assert!(behind(&[0; 77])[0].message.contains("77 zeros"));
    assert!(behind(&[b"x".as_slice(), &[0; 76]].concat())[0].message.contains("77 bytes"));
}

#[test]
fn the_base_of_an_append_only_file_says_so_itself() {
    let aux = |name: &str, value: u8| {
        read(&Rdb::new().raw(&[250]).text(name.as_bytes()).raw(&[0xc0, value]).filler().end()).hazards
    };
    let [hazard] = &aux("aof-base", 1)[..] else { panic!("expected one") };
    assert_eq!(hazard.code, HazardCode::AofBase);
    assert!(hazard.message.contains("appendonly.aof.N.incr.aof"), "{}", hazard.message);
    assert_eq!(aux("aof-preamble", 1)[0].code, HazardCode::AofBase);
    assert_eq!(aux("aof-base", 0), []);
    assert_eq!(aux("aof-preamble", 0), []);
}
