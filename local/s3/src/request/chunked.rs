//! Decoder of `aws-chunked` bodies: chunks of `SIZE[;chunk-signature=…]\r
//!  DATA \r
//! `, a chunk of size 0, then trailer lines.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt};
use http::header::HeaderMap;
use http_body_util::{BodyDataStream, StreamBody};
use hyper::body::{Body, Frame, Incoming};

/// Longest framing line in bytes: a size with a signature, or one trailer.
const LINE_LIMIT: usize = 4096;
/// Most trailers of a body. S3 defines a handful.
const TRAILER_LIMIT: usize = 32;

/// The trailers of a body, available once it has been read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trailers(Arc<Mutex<HeaderMap>>);

impl Trailers {
    /// The value of a trailer, given its lower-case name.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let trailers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        trailers.get(name)?.to_str().ok().map(ToOwned::to_owned)
    }

    fn insert(&self, line: &str) -> Result<(), Malformed> {
        let (name, value) = line.split_once(':').ok_or(Malformed::Trailer)?;
        let name: http::HeaderName = name.trim().parse().map_err(|_| Malformed::Trailer)?;
        let value = value.trim().parse().map_err(|_| Malformed::Trailer)?;
        let mut trailers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trailers.len() >= TRAILER_LIMIT {
            return Err(Malformed::Trailer);
        }
        trailers.insert(name, value);
        Ok(())
    }
}

/// An error in the framing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("aws-chunked: chunk size is not hexadecimal")]
    Size,
    #[error("aws-chunked: line over {LINE_LIMIT} bytes")]
    Line,
    #[error("aws-chunked: chunk data is not followed by CRLF")]
    Boundary,
    #[error("aws-chunked: malformed trailer")]
    Trailer,
    #[error("aws-chunked: body ends inside a chunk")]
    Truncated,
    #[error("read body: {0}")]
    Read(#[from] hyper::Error),
}

/// Decodes a body. The trailers at its end go to `trailers`.
pub(crate) fn decode(
    body: Incoming,
    trailers: Trailers,
) -> impl Body<Data = Bytes, Error = Malformed> + Send + 'static {
    let source = BodyDataStream::new(body).map_err(Malformed::from);
    let decoder = Decoder { source, trailers, buffer: BytesMut::new(), state: State::Size };
    let inner = futures::stream::try_unfold(decoder, |mut decoder| async move {
        Ok(decoder.next().await?.map(|data| (data, decoder)))
    });
    StreamBody::new(Box::pin(inner.map_ok(Frame::data)))
}

enum State {
    Size,
    Data { left: u64 },
    Boundary,
    Trailers,
    End,
}

struct Decoder<S> {
    source: S,
    trailers: Trailers,
    /// Incomplete framing and data that is not returned yet: at most one read and one line.
    buffer: BytesMut,
    state: State,
}

impl<S: Stream<Item = Result<Bytes, Malformed>> + Unpin> Decoder<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, Malformed> {
        loop {
            match self.state {
                State::Size => {
                    let Some(line) = self.line().await? else { return Err(Malformed::Truncated) };
                    let size = line.split(';').next().unwrap_or_default().trim();
                    let size = u64::from_str_radix(size, 16).map_err(|_| Malformed::Size)?;
                    self.state = if size == 0 { State::Trailers } else { State::Data { left: size } };
                }
                State::Data { left } => {
                    if self.buffer.is_empty() && !self.fill().await? {
                        return Err(Malformed::Truncated);
                    }
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
                    let left = left - take as u64;
                    self.state = if left == 0 { State::Boundary } else { State::Data { left } };
                    return Ok(Some(self.buffer.split_to(take).freeze()));
                }
                State::Boundary => match self.line().await? {
                    Some(line) if line.is_empty() => self.state = State::Size,
                    Some(_) => return Err(Malformed::Boundary),
                    None => return Err(Malformed::Truncated),
                },
                State::Trailers => match self.line().await? {
                    // Clients often omit the last line break.
                    Some(line) if line.is_empty() => self.state = State::End,
                    Some(line) => self.trailers.insert(&line)?,
                    None => self.state = State::End,
                },
                State::End => return Ok(None),
            }
        }
    }

    /// Returns the next line without its line break; `None` at the end of the body.
    async fn line(&mut self) -> Result<Option<String>, Malformed> {
        loop {
            if let Some(end) = self.buffer.iter().take(LINE_LIMIT).position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end);
                self.buffer.advance(1);
                return Ok(Some(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()));
            }
            if self.buffer.len() >= LINE_LIMIT {
                return Err(Malformed::Line);
            }
            if !self.fill().await? {
                let rest = std::mem::take(&mut self.buffer);
                let rest = String::from_utf8_lossy(&rest).trim().to_owned();
                return Ok((!rest.is_empty()).then_some(rest));
            }
        }
    }

    async fn fill(&mut self) -> Result<bool, Malformed> {
        let Some(data) = self.source.next().await.transpose()? else { return Ok(false) };
        if self.buffer.is_empty() {
            self.buffer = BytesMut::from(data);
        } else {
            self.buffer.extend_from_slice(&data);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn decoded(pieces: &[&'static str]) -> (Result<String, Malformed>, Trailers) {
        let source = futures::stream::iter(pieces.to_vec()).map(|piece| Ok(Bytes::from(piece)));
        let trailers = Trailers::default();
        let mut decoder =
            Decoder { source, trailers: trailers.clone(), buffer: BytesMut::new(), state: State::Size };
        let mut whole = String::new();
        loop {
            match decoder.next().await {
                Ok(Some(data)) => whole.push_str(&String::from_utf8_lossy(&data)),
                Ok(None) => return (Ok(whole), trailers),
                Err(error) => return (Err(error), trailers),
            }
        }
    }

    #[tokio::test]
    async fn framing_split_anywhere_gives_the_same_body_and_trailers() {
        let body = "5;chunk-signature=ab\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
        for split in 1..body.len() {
            let (whole, trailers) = decoded(&[&body[..split], &body[split..]]).await;
            assert_eq!(whole.unwrap(), "hello world");
            assert_eq!(trailers.value("x-amz-checksum-crc32").as_deref(), Some("AAAA"));
        }
    }

    #[tokio::test]
    async fn broken_framing_is_refused() {
        assert!(matches!(decoded(&["zz\r\n"]).await.0, Err(Malformed::Size)));
        assert!(matches!(decoded(&["5\r\nhel"]).await.0, Err(Malformed::Truncated)));
        assert!(matches!(decoded(&["2\r\nhello\r\n"]).await.0, Err(Malformed::Boundary)));
        assert!(matches!(decoded(&[""]).await.0, Err(Malformed::Truncated)));
    }
}
