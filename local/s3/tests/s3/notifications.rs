use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_s3::types::{
    Event, EventBridgeConfiguration, FilterRule, FilterRuleName, LambdaFunctionConfiguration,
    NotificationConfiguration, NotificationConfigurationFilter, S3KeyFilter,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use local_eventbridge::Pattern;
use local_s3::{Notify, Rule};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::harness::{BUCKET, Stack};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:start-seeding";
const RULE_TARGET: &str = "arn:aws:lambda:us-east-1:123456789012:function:rule-target";

type Invocation = (String, Value);

/// A Lambda endpoint that fails the first call.
async fn lambda() -> (String, UnboundedReceiver<Invocation>) {
    #[derive(Clone)]
    struct Endpoint {
        sender: UnboundedSender<Invocation>,
        failed: Arc<Mutex<bool>>,
    }
    async fn invoke(
        State(endpoint): State<Endpoint>,
        Path(function): Path<String>,
        headers: HeaderMap,
        Json(event): Json<Value>,
    ) -> StatusCode {
        if !std::mem::replace(&mut *endpoint.failed.lock().unwrap(), true) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        assert_eq!(headers["x-amz-invocation-type"], "Event");
        endpoint.sender.send((function, event)).unwrap();
        StatusCode::ACCEPTED
    }
    let (sender, receiver) = unbounded_channel();
    let router = Router::new()
        .route("/2015-03-31/functions/{function}/invocations", post(invoke))
        .with_state(Endpoint { sender, failed: Arc::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (endpoint, receiver)
}

async fn next(receiver: &mut UnboundedReceiver<Invocation>) -> Invocation {
    tokio::time::timeout(Duration::from_secs(30), receiver.recv()).await.expect("an event").unwrap()
}

#[tokio::test]
async fn a_drop_reaches_the_function_and_the_rule() {
    let stack = Stack::start().await;
    let (lambda_endpoint, mut events) = lambda().await;
    let pattern = json!({"source": ["aws.s3"], "detail": {"object": {"key": [{"suffix": ".rdb"}, "copy"]}}});
    let bridge = Rule { pattern: Pattern::parse(&pattern).unwrap(), target: RULE_TARGET.into() };
    stack.server.set_notify(Notify { lambda_endpoint, event_bridge: Some(bridge) });
    let rule = |name, value: &str| FilterRule::builder().name(name).value(value).build();
    let filter = S3KeyFilter::builder()
        .filter_rules(rule(FilterRuleName::Prefix, "drops/"))
        .filter_rules(rule(FilterRuleName::Suffix, ".rdb"))
        .build();
    let target = LambdaFunctionConfiguration::builder()
        .id("drop")
        .lambda_function_arn(FUNCTION)
        .events(Event::from("s3:ObjectCreated:*"))
        .filter(NotificationConfigurationFilter::builder().key(filter).build())
        .build()
        .unwrap();
    let configuration = NotificationConfiguration::builder()
        .lambda_function_configurations(target)
        .event_bridge_configuration(EventBridgeConfiguration::builder().build())
        .build();
    let put = stack.owner.put_bucket_notification_configuration().bucket(BUCKET);
    put.notification_configuration(configuration).send().await.unwrap();

    // The first attempt failed with 503.
    let (function, test) = next(&mut events).await;
    assert_eq!((function.as_str(), test["Event"].as_str()), (FUNCTION, Some("s3:TestEvent")));
    assert_eq!(test["Bucket"], BUCKET);

    let kept = stack.owner.get_bucket_notification_configuration().bucket(BUCKET).send().await.unwrap();
    assert_eq!(kept.lambda_function_configurations()[0].id(), Some("drop"));
    assert!(kept.event_bridge_configuration().is_some());

    // Neither key is under the prefix of the function's filter. Only other.rdb matches the pattern of the rule.
    stack.put("other.txt", "hello").await;
    stack.put("other.rdb", "hello").await;
    let (function, event) = next(&mut events).await;
    assert_eq!(
        (function.as_str(), &event["detail"]["object"]["key"]),
        (RULE_TARGET, &Value::from("other.rdb"))
    );

    let mut sequencers = vec![event["detail"]["object"]["sequencer"].as_str().unwrap().to_owned()];
    let etag = stack.put("drops/my redis.rdb", "hello").await;
    let mut both = [next(&mut events).await, next(&mut events).await];
    both.sort_by(|a, b| a.0.cmp(&b.0));
    let [(_, event), (function, record)] = &both;
    assert_eq!(function, FUNCTION);
    let record = &record["Records"][0];
    assert_eq!(record["eventVersion"], "2.1");
    assert_eq!(record["eventSource"], "aws:s3");
    assert_eq!(record["eventName"], "ObjectCreated:Put");
    assert_eq!(record["awsRegion"], "us-east-1");
    assert_eq!(record["s3"]["s3SchemaVersion"], "1.0");
    assert_eq!(record["s3"]["configurationId"], "drop");
    assert_eq!(record["s3"]["bucket"]["arn"], "arn:aws:s3:::backups");
    let object = &record["s3"]["object"];
    assert_eq!(object["key"], "drops/my+redis.rdb");
    assert_eq!(
        (&object["size"], object["eTag"].as_str().unwrap()),
        (&Value::from(5), etag.trim_matches('"'))
    );
    sequencers.push(object["sequencer"].as_str().unwrap().to_owned());
    assert!(sequencers.is_sorted() && sequencers[0] != sequencers[1]);

    assert_eq!(event["detail-type"], "Object Created");
    assert_eq!(event["source"], "aws.s3");
    assert_eq!(event["detail"]["reason"], "PutObject");
    assert_eq!(event["detail"]["bucket"]["name"], BUCKET);
    assert_eq!(event["detail"]["object"]["key"], "drops/my redis.rdb");

    let copy =
        stack.owner.copy_object().bucket(BUCKET).key("copy").copy_source(format!("{BUCKET}/other.rdb"));
    copy.send().await.unwrap();
    let (_, event) = next(&mut events).await;
    assert_eq!(event["detail"]["reason"], "CopyObject");
    stack.server.stop().await;
}
