//! Fetching of AWS's price list, which needs no credentials.

use std::{
    io::{self, BufReader, Read},
    time::Duration,
};

use anyhow::{Result, anyhow, bail};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorSettings},
    orchestrator::HttpRequest,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use jiff::{Timestamp, tz::TimeZone};
use seeding::{PriceList, PriceListError};
use tokio::{runtime::Handle, task::spawn_blocking, time::timeout};

/// The limit for a connection, and for each part of the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The address of a region's price list. Source: AWS Billing user guide, "Getting price list files manually".
pub(super) fn address(region: &str) -> Result<String> {
    if region.starts_with("cn-") {
        bail!(
            "the price list of {region} is not at AWS's common address: give its file or address with --from"
        );
    }
    Ok(format!(
        "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonElastiCache/current/{region}/index.json"
    ))
}

/// Fetches a price list and reads it while it arrives. The outer error: there is no answer to read.
pub(super) async fn fetch(address: &str) -> Result<Result<PriceList, PriceListError>> {
    let settings = HttpConnectorSettings::builder().connect_timeout(PATIENCE).read_timeout(PATIENCE);
    let connector = Connector::builder()
        .connector_settings(settings.build())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build();
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(address).map_err(|error| anyhow!("{address} is no address: {error}"))?;
    let answer = connector.call(request).await.map_err(|error| {
        let why = std::error::Error::source(&error).map(|why| format!(": {why}")).unwrap_or_default();
        anyhow!(
            "the connection to {address} failed{why}\nhint: without a network, fetch the file by other means and give it \
             with --from"
        )
    })?;
    let status = answer.status().as_u16();
    if status != 200 {
        bail!("{address} answers {status}\nhint: check the region's name");
    }
    let body = Body {
        stream: ByteStream::new(answer.into_body()),
        part: Vec::new(),
        at: 0,
        runtime: Handle::current(),
    };
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    Ok(spawn_blocking(move || PriceList::read(BufReader::new(body), Some(today))).await?)
}

/// The body of an answer, read part by part on a thread that may be blocked.
struct Body {
    stream: ByteStream,
    part: Vec<u8>,
    at: usize,
    runtime: Handle,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.part.len() {
            let Self { stream, runtime, .. } = self;
            let next = runtime.block_on(async { timeout(PATIENCE, stream.next()).await });
            match next.map_err(io::Error::other)? {
                None => return Ok(0),
                Some(part) => self.part = part.map_err(io::Error::other)?.to_vec(),
            }
            self.at = 0;
        }
        let read = self.part.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at += read;
        Ok(read)
    }
}
