//! Time for leases: that of a function that has died, or could not give it back, would be waited for as long as it
//! lasts.

use std::time::Duration;

use aws_sdk_s3::{Client, primitives::ByteStream};
use serde_json::Value;
use tokio::time::Instant;

/// Where leases are in the reports bucket.
const PREFIX: &str = "grants/";
/// A lease that its holder has not given back within this time has lost it. An edit takes a tenth of it.
const DEAD: Duration = Duration::from_millis(2_500);
const PAUSE: Duration = Duration::from_millis(250);

/// Lets the leases run out whose holders are dead, until it is dropped.
pub(crate) async fn hasten(s3: Client, reports: &str) {
    let mut held: Option<(String, Instant)> = None;
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some((key, etag)) = lease(&s3, reports).await else {
            held = None;
            continue;
        };
        match &held {
            Some((known, since)) if *known == etag => {
                if since.elapsed() > DEAD {
                    expire(&s3, reports, &key, &etag).await;
                    held = None;
                }
            }
            _ => held = Some((etag, Instant::now())),
        }
    }
}

async fn lease(s3: &Client, reports: &str) -> Option<(String, String)> {
    let listed = s3.list_objects_v2().bucket(reports).prefix(PREFIX).send().await.ok()?;
    let found = listed
        .contents()
        .iter()
        .find(|object| object.key().is_some_and(|key| key.ends_with("lease.json")))?;
    Some((found.key()?.to_owned(), found.e_tag()?.to_owned()))
}

/// Only if it is still the same lease: somebody may have taken it over.
async fn expire(s3: &Client, reports: &str, key: &str, etag: &str) {
    let Ok(object) = s3.get_object().bucket(reports).key(key).if_match(etag).send().await else { return };
    let Ok(bytes) = object.body.collect().await else { return };
    let Ok(mut lease) = serde_json::from_slice::<Value>(&bytes.into_bytes()) else { return };
    lease["expiresMs"] = 1.into();
    let body = ByteStream::from(lease.to_string().into_bytes());
    let _ = s3.put_object().bucket(reports).key(key).if_match(etag).body(body).send().await;
}
