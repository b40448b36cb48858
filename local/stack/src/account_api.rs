//! What AWS knows of the stack and its account beyond the services that functions call: CloudFormation, EventBridge,
//! CloudWatch Logs, SQS, IAM and EC2, as far as a stack is described with them. Nothing here has an effect.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::account::{ACCOUNT, REGION};

/// The name of the stack.
pub(crate) const STACK: &str = "elasticache-seeder";
/// The free addresses of a subnet, unless a test says otherwise.
const FREE_ADDRESSES: u32 = 250;

/// The stack and its account. A test may change everything.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// The status of the CloudFormation stack.
    pub stack_status: String,
    /// The outputs of the stack.
    pub outputs: BTreeMap<String, String>,
    /// The parameters of the stack.
    pub parameters: BTreeMap<String, String>,
    /// The resources of the stack by their logical IDs: type, and name or ARN.
    pub resources: BTreeMap<String, (String, String)>,
    /// The rules by their names.
    pub rules: BTreeMap<String, Rule>,
    /// The names of the log groups.
    pub log_groups: BTreeSet<String>,
    /// The names of the roles that are not the stack's.
    pub roles: BTreeSet<String>,
    /// The messages in queues that are not empty, by the queues' URLs.
    pub messages: BTreeMap<String, u32>,
    /// The free addresses of subnets that differ from the others.
    pub free_addresses: BTreeMap<String, u32>,
    /// The actions that are denied, such as `iam:GetRole`.
    pub denied: BTreeSet<String>,
}

/// A rule of EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Whether it is enabled.
    pub enabled: bool,
    /// The ARNs of its targets.
    pub targets: Vec<String>,
}

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
        let app = Router::new().fallback(answer).with_state(Arc::clone(&account));
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

type Answer = (StatusCode, String);

async fn answer(State(account): State<Arc<Mutex<Account>>>, headers: HeaderMap, body: String) -> Answer {
    let account = account.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(target) = headers.get("x-amz-target").and_then(|target| target.to_str().ok()) else {
        return query(&account, &fields(&body));
    };
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    match json_action(&account, target, &body) {
        Ok(value) => (StatusCode::OK, value.to_string()),
        Err((code, message)) => {
            (StatusCode::BAD_REQUEST, json!({"__type": code, "message": message}).to_string())
        }
    }
}

fn json_action(account: &Account, target: &str, body: &Value) -> Result<Value, (&'static str, String)> {
    let (interface, action) = target.split_once('.').unwrap_or((target, ""));
    let service = match interface {
        "AWSEvents" => "events",
        "AmazonSQS" => "sqs",
        _ => "logs",
    };
    if account.denied.contains(&format!("{service}:{action}")) {
        return Err(("AccessDeniedException", format!("not authorized to perform {service}:{action}")));
    }
    let rule = |member: &str| {
        let name = body[member].as_str().unwrap_or_default();
        let rule = account.rules.get(name).map(|rule| (name, rule));
        rule.ok_or_else(|| ("ResourceNotFoundException", format!("Rule {name} does not exist.")))
    };
    match action {
        "DescribeRule" => {
            let (name, rule) = rule("Name")?;
            Ok(json!({"Name": name, "State": if rule.enabled { "ENABLED" } else { "DISABLED" }}))
        }
        "ListTargetsByRule" => {
            let targets = rule("Rule")?.1.targets.iter();
            let targets: Vec<_> = targets.map(|arn| json!({"Id": "target", "Arn": arn})).collect();
            Ok(json!({"Targets": targets}))
        }
        "DescribeLogGroups" => {
            let prefix = body["logGroupNamePrefix"].as_str().unwrap_or_default();
            let groups = account.log_groups.iter().filter(|name| name.starts_with(prefix));
            let groups: Vec<_> = groups.map(|name| json!({"logGroupName": name})).collect();
            Ok(json!({"logGroups": groups}))
        }
        "GetQueueAttributes" => {
            let number = account.messages.get(body["QueueUrl"].as_str().unwrap_or_default()).unwrap_or(&0);
            Ok(json!({"Attributes": {"ApproximateNumberOfMessages": number.to_string()}}))
        }
        _ => Err(("UnknownOperationException", target.to_owned())),
    }
}

fn query(account: &Account, fields: &BTreeMap<String, String>) -> Answer {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let action = field("Action");
    let service = match action {
        "GetRole" => "iam",
        "DescribeSubnets" => "ec2",
        _ => "cloudformation",
    };
    if account.denied.contains(&format!("{service}:{action}")) {
        let message = format!("not authorized to perform {service}:{action}");
        return fault(StatusCode::FORBIDDEN, "AccessDenied", &message);
    }
    match action {
        "GetRole" if !account.roles.contains(field("RoleName")) => {
            fault(StatusCode::NOT_FOUND, "NoSuchEntity", "The role cannot be found.")
        }
        "GetRole" => {
            let role = format!("<Role><RoleName>{}</RoleName></Role>", field("RoleName"));
            result(action, &role)
        }
        "DescribeSubnets" => {
            let mut items = String::new();
            for (_, id) in fields.iter().filter(|(name, _)| name.starts_with("SubnetId.")) {
                let free = account.free_addresses.get(id).unwrap_or(&FREE_ADDRESSES);
                // Writing to a string cannot fail.
                let _ = write!(
                    items,
                    "<item><subnetId>{id}</subnetId><availableIpAddressCount>{free}</availableIpAddressCount></item>"
                );
            }
            let set = format!("<subnetSet>{items}</subnetSet>");
            (StatusCode::OK, format!("<DescribeSubnetsResponse>{set}</DescribeSubnetsResponse>"))
        }
        "DescribeStacks" | "ListStackResources" if field("StackName") != STACK => fault(
            StatusCode::BAD_REQUEST,
            "ValidationError",
            &format!("Stack with id {} does not exist", field("StackName")),
        ),
        "DescribeStacks" => result(action, &described(account)),
        "ListStackResources" => {
            let member = |(logical, (kind, id)): (&String, &(String, String))| {
                format!(
                    "<member><LogicalResourceId>{logical}</LogicalResourceId><ResourceType>{kind}</ResourceType>\
                     <PhysicalResourceId>{id}</PhysicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
                     <LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp></member>"
                )
            };
            let members: String = account.resources.iter().map(member).collect();
            result(action, &format!("<StackResourceSummaries>{members}</StackResourceSummaries>"))
        }
        _ => fault(StatusCode::BAD_REQUEST, "InvalidAction", action),
    }
}

/// The stack as `DescribeStacks` has it.
fn described(account: &Account) -> String {
    let members = |kind: &str, values: &BTreeMap<String, String>| -> String {
        let member = |(key, value): (&String, &String)| {
            format!("<member><{kind}Key>{key}</{kind}Key><{kind}Value>{value}</{kind}Value></member>")
        };
        values.iter().map(member).collect()
    };
    format!(
        "<Stacks><member><StackName>{STACK}</StackName>\
         <StackId>arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/local</StackId>\
         <CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>{}</StackStatus>\
         <Outputs>{}</Outputs><Parameters>{}</Parameters></member></Stacks>",
        account.stack_status,
        members("Output", &account.outputs),
        members("Parameter", &account.parameters)
    )
}

fn result(action: &str, content: &str) -> Answer {
    let result = format!("<{action}Result>{content}</{action}Result>");
    (StatusCode::OK, format!("<{action}Response>{result}</{action}Response>"))
}

fn fault(status: StatusCode, code: &str, message: &str) -> Answer {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    (status, format!("<ErrorResponse>{error}</ErrorResponse>"))
}

fn fields(form: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let fields = form.split('&').filter_map(|field| field.split_once('='));
    fields.map(|(name, value)| (decoded(name), decoded(value))).collect()
}
