//! What AWS knows of the stack and its account beyond the services that functions call: CloudFormation, EventBridge,
//! CloudWatch, its Logs, SQS, IAM, EC2 and Service Quotas, as far as a stack is described with them. Nothing here has
//! an effect. Every call has to be signed.

mod answer;
mod iam;
mod json;
mod model;
mod query;
mod signature;
mod simulation;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

pub use self::model::{Account, Alarm, Role, Rule};
use self::{
    answer::{Answer, Form, fault, json_fault},
    signature::{Received, Scope, verify},
};
use crate::account::REGION;

/// The name of the stack.
pub(crate) const STACK: &str = "elasticache-seeder";
/// The secret of every access key.
pub(crate) const SECRET: &str = "local";

/// The running endpoint.
#[derive(Debug)]
pub(crate) struct AccountApi {
    pub(crate) endpoint: String,
    account: Arc<Mutex<Account>>,
    serving: JoinHandle<()>,
}

impl AccountApi {
    pub(crate) async fn start(account: Account) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let account = Arc::new(Mutex::new(account));
        let app = Router::new().fallback(receive).with_state(Arc::clone(&account));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the endpoint of the account has ended");
            }
        });
        Ok(Self { endpoint, account, serving })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn stop(self) {
        self.serving.abort();
        let _ = self.serving.await;
    }
}

async fn receive(
    State(account): State<Arc<Mutex<Account>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let request = Received { method: &method, uri: &uri, headers: &headers, body: &body };
    let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(target) = headers.get("x-amz-target").and_then(|target| target.to_str().ok()) else {
        let form = Form::parse(&String::from_utf8_lossy(&body));
        let action = form.field("Action");
        return match admit(&mut account, &request, query::service(action), action, "") {
            Err((status, code, message)) => fault(status, &code, &message),
            Ok(()) => query::answer(&account, action, &form),
        };
    };
    let (interface, action) = target.split_once('.').unwrap_or((target, ""));
    let service = json::service(interface);
    if let Err((status, code, message)) =
        admit(&mut account, &request, (service, service), action, "Exception")
    {
        return json_fault(status, &code, &message);
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match json::answer(&account, action, &body) {
        Ok(value) => (StatusCode::OK, value.to_string()),
        Err((code, message)) => json_fault(StatusCode::BAD_REQUEST, code, &message),
    }
}

/// Refuses calls that are not signed for the service, that are too many, and that are denied. `service` is its name in
/// permissions and in signatures; `ending` ends the names of errors.
fn admit(
    account: &mut Account,
    request: &Received<'_>,
    service: (&str, &str),
    action: &str,
    ending: &str,
) -> Result<(), (StatusCode, String, String)> {
    verify(request, SECRET, Scope { region: REGION, service: service.1 })
        .map_err(|refusal| (StatusCode::FORBIDDEN, refusal.code.to_owned(), refusal.message))?;
    let permission = format!("{}:{action}", service.0);
    if let Some(left) = account.throttled.get_mut(&permission).filter(|left| **left > 0) {
        *left -= 1;
        return Err((StatusCode::BAD_REQUEST, format!("Throttling{ending}"), "Rate exceeded".to_owned()));
    }
    if account.denied.contains(&permission) {
        let status = if ending.is_empty() { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
        let message = format!("not authorized to perform {permission}");
        return Err((status, format!("AccessDenied{ending}"), message));
    }
    Ok(())
}
