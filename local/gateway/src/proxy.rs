//! The connections: each request is read, judged and forwarded.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, request::Parts, uri::PathAndQuery};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    answers::{Body, BodyError, Refusal},
    call::{self, Call, MAX_BODY_BYTES, Service},
    faults::Fault,
    roles::Decision,
    shared::Shared,
};

/// How late a late effect is.
const LATE: Duration = Duration::from_secs(4);

/// The connection closes without an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer: {0}")]
pub(crate) struct NoAnswer(String);

pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let handler = service_fn(move |request| handle(Arc::clone(&shared), request));
            if let Err(error) =
                auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), handler).await
            {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
}

async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, NoAnswer> {
    let (parts, body) = request.into_parts();
    let Some((caller, service)) = call::signed_for(&parts) else {
        return Ok(plain(StatusCode::FORBIDDEN, "the request is not signed for a service that is here"));
    };
    // Bodies of S3 are objects: they are passed on as they come.
    let (body, seen) = if service == Service::S3 {
        (body.map_err(BodyError::from).boxed(), Bytes::new())
    } else {
        let whole = Limited::new(body, MAX_BODY_BYTES).collect().await;
        let whole = whole.map_err(|error| NoAnswer(error.to_string()))?.to_bytes();
        (Full::from(whole.clone()).map_err(BodyError::from).boxed(), whole)
    };
    let Some(call) = call::read(&caller, service, &parts, &seen, &shared.place) else {
        return Ok(plain(StatusCode::NOT_IMPLEMENTED, "the gateway does not know this call"));
    };
    shared.record(&call);
    let decisions = {
        let roles = shared.roles.read().unwrap_or_else(PoisonError::into_inner);
        if roles.has(&caller) {
            roles.decide(&call)
        } else {
            vec![roles.decide_one(&call, &call.action, &caller)]
        }
    };
    if let Some(Decision { action, resource, .. }) = shared.refused(decisions) {
        tracing::warn!(caller, action, resource, "not allowed by the role");
        return Ok(Refusal::Denied { action: &action, resource: &resource }.answer(service));
    }
    if service == Service::ElastiCache && shared.elasticache_rate.as_ref().is_some_and(|rate| !rate.admits())
    {
        return Ok(Refusal::Throttled.answer(service));
    }
    let fault = shared.faults.next(&call);
    if let Some(fault) = fault {
        tracing::info!(caller, action = call.action, ?fault, "a planned fault");
    }
    match fault {
        None => forward(&shared, service, &call, parts, body).await,
        Some(Fault::Throttled) => Ok(Refusal::Throttled.answer(service)),
        Some(Fault::ServerError) => Ok(Refusal::ServerError.answer(service)),
        Some(Fault::ErrorInSuccess) => {
            let mut answer = Refusal::ServerError.answer(service);
            *answer.status_mut() = StatusCode::OK;
            Ok(answer)
        }
        Some(Fault::Denied) => {
            let resource = call.resources.first().map_or("*", String::as_str);
            Ok(Refusal::Denied { action: &call.action, resource }.answer(service))
        }
        Some(Fault::LateEffect) => {
            // The body is that of a connection which is about to close.
            let whole = body.collect().await.map_err(|error| NoAnswer(error.to_string()))?.to_bytes();
            tokio::spawn(async move {
                tokio::time::sleep(LATE).await;
                let body = Full::from(whole).map_err(BodyError::from).boxed();
                let _ = forward(&shared, service, &call, parts, body).await;
            });
            Err(NoAnswer("the effect comes late".to_owned()))
        }
        Some(Fault::KilledBefore) => {
            shared.kill(&caller);
            Err(NoAnswer("killed before the call".to_owned()))
        }
        Some(fault @ (Fault::AnswerLost | Fault::KilledAfter | Fault::Slow)) => {
            let answer = forward(&shared, service, &call, parts, body).await?;
            // To its end: the service has done all of it.
            let _ = answer.into_body().collect().await;
            match fault {
                Fault::KilledAfter => shared.kill(&caller),
                Fault::Slow => std::future::pending().await,
                _ => {}
            }
            Err(NoAnswer("the answer is lost".to_owned()))
        }
    }
}

async fn forward(
    shared: &Shared,
    service: Service,
    call: &Call,
    mut parts: Parts,
    body: Body,
) -> Result<Response<Body>, NoAnswer> {
    let endpoint =
        shared.endpoint(service).ok_or_else(|| NoAnswer("the service is not there yet".to_owned()))?;
    let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let uri: Result<Uri, _> = format!("{endpoint}{path}").parse();
    parts.uri = uri.map_err(|error| NoAnswer(error.to_string()))?;
    let hides = service == Service::S3 && matches!(parts.method, Method::GET | Method::HEAD);
    let answer = shared.forwarder.0.request(Request::from_parts(parts, body)).await;
    let answer = answer.map_err(|error| NoAnswer(error.to_string()))?;
    if hides && answer.status() == StatusCode::NOT_FOUND && !may_list(shared, call) {
        let resource = call.resources.first().map_or("*", String::as_str);
        return Ok(Refusal::Denied { action: "s3:ListBucket", resource }.answer(service));
    }
    Ok(answer.map(|body| body.map_err(BodyError::from).boxed()))
}

/// Whether the caller may learn that an object does not exist: S3 says so only to those who may list the bucket.
fn may_list(shared: &Shared, call: &Call) -> bool {
    if !call.action.starts_with("s3:GetObject") {
        return true;
    }
    let bucket = call.resources.first().and_then(|arn| arn.split('/').next()).unwrap_or_default();
    let decision = {
        let roles = shared.roles.read().unwrap_or_else(PoisonError::into_inner);
        roles.decide_one(call, "s3:ListBucket", bucket)
    };
    shared.refused(vec![decision]).is_none()
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    tracing::warn!(%status, text);
    let mut response = Response::new(Full::from(text).map_err(BodyError::from).boxed());
    *response.status_mut() = status;
    response
}
