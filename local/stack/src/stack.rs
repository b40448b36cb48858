//! The local stack.

use std::{path::PathBuf, sync::MutexGuard, time::Duration};

use anyhow::{Context, Result, bail};
use aws_sdk_s3::types::{
    BucketVersioningStatus, EventBridgeConfiguration, NotificationConfiguration, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, VersioningConfiguration,
};
use local_gateway::Gateway;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{
    account::{ACCOUNT, CONVERSION_BUCKET, DROP_BUCKET, REGION, REPORTS_BUCKET},
    account_api::{Account, AccountApi, SECRET},
    clients,
    event_bridge::clean_up,
    functions,
    options::{FUNCTIONS, StackOptions},
    ports::free_port,
    resources,
    step_functions::{StepFunctions, state_machine},
    template::{Bucket, Template},
};

/// Limit for concurrent invocations of one function.
const CONCURRENCY: usize = 10;

/// All servers of the stack and their clients.
#[derive(Debug)]
pub struct Stack {
    s3_server: local_s3::Server,
    lambda_server: local_lambda::Server,
    elasticache_server: local_elasticache::Server,
    gateway: Gateway,
    account_api: AccountApi,
    step_functions: StepFunctions,
    watch: JoinHandle<()>,
    s3: aws_sdk_s3::Client,
    sfn: aws_sdk_sfn::Client,
    elasticache: aws_sdk_elasticache::Client,
    state_machine_arn: String,
    role_documents: Value,
    dir: PathBuf,
    /// Deletes the folder when dropped, if it is a temporary one.
    _temporary: Option<TempDir>,
}

impl Stack {
    /// Starts all servers, within about two seconds.
    pub async fn start(options: StackOptions) -> Result<Self> {
        if let Some(missing) = FUNCTIONS.iter().find(|name| !options.binaries.join(name).is_file()) {
            bail!(
                "{} is not built: cargo build --workspace --bins",
                options.binaries.join(missing).display()
            );
        }
        let temporary = if options.dir.is_none() { Some(tempfile::tempdir()?) } else { None };
        let dir = match (&options.dir, &temporary) {
            (Some(dir), _) => dir.clone(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => bail!("no folder to work in"),
        };
        let [region, account_id] = [REGION, ACCOUNT].map(str::to_owned);
        let template = Template::render(&options).await?;
        let s3_config = local_s3::Config {
            root: dir.join("s3"),
            region: region.clone(),
            account_id: account_id.clone(),
            notify: None,
            roles: template.role_arns.clone(),
            switches: options.s3,
        };
        let s3_server = local_s3::Server::start(s3_config).await?;
        let servers = local_elasticache::ServerBinaries::find(Some(&options.servers))?;
        let elasticache_server = local_elasticache::Server::start(local_elasticache::Config {
            create_delay: Duration::from_millis(options.create_delay_ms),
            switches: options.elasticache,
            delete_delay: Duration::from_millis(options.delete_delay_ms),
            ..local_elasticache::Config::new(s3_server.endpoint(), dir.join("elasticache"), servers)
        })
        .await?;
        let port = free_port()?;
        let state_machine_arn = state_machine::arn();
        let backup_buckets = [vec![DROP_BUCKET.to_owned()], options.backup_buckets.clone()].concat();
        let gateway = Gateway::start(local_gateway::Config {
            services: local_gateway::Services {
                s3: s3_server.endpoint().to_owned(),
                elasticache: elasticache_server.endpoint().to_owned(),
                step_functions: format!("http://127.0.0.1:{port}"),
                lambda: None,
            },
            roles: template.roles.clone(),
            account_id: account_id.clone(),
            region: region.clone(),
            elasticache_calls_per_second: options.elasticache_calls_per_second,
        })
        .await?;
        let lambda_server = local_lambda::Server::start(local_lambda::Config {
            functions: functions::configure(&options, &template, gateway.endpoint())?,
            region,
            account_id,
            log_dir: dir.join("logs"),
            concurrency: CONCURRENCY,
            account_concurrency: options.lambda_concurrency,
            switches: options.lambda.clone(),
        })
        .await?;
        let killer = lambda_server.killer();
        gateway.connect_lambda(lambda_server.endpoint(), move |function| killer.kill(function));
        let step_functions =
            StepFunctions::start(&options, port, gateway.endpoint(), s3_server.endpoint(), &dir).await?;
        let sfn = aws_sdk_sfn::Client::new(&clients::config(&step_functions.endpoint));
        state_machine::create(&sfn, &options).await?;
        let s3 = aws_sdk_s3::Client::new(&clients::config(s3_server.endpoint()));
        let elasticache = aws_sdk_elasticache::Client::new(&clients::config(elasticache_server.endpoint()));
        // The rule starts clean-ups with a role of its own.
        let starter = aws_sdk_sfn::Client::new(&clients::config_of("clean-up", gateway.endpoint()));
        let rules = template.rules;
        let account_api =
            AccountApi::start(resources::deployed(&options, &rules, template.described)).await?;
        let watch = clean_up::watch(sfn.clone(), starter, rules.clean_up, rules.clean_up_input);
        let stack = Self {
            s3_server,
            lambda_server,
            elasticache_server,
            gateway,
            account_api,
            step_functions,
            watch,
            s3,
            sfn,
            elasticache,
            state_machine_arn,
            role_documents: template.role_documents,
            dir,
            _temporary: temporary,
        };
        let notify = local_s3::Notify {
            lambda_endpoint: stack.lambda_server.endpoint().to_owned(),
            event_bridge: Some(local_s3::Rule {
                pattern: rules.drops,
                target: format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:start-seeding"),
            }),
        };
        stack.s3_server.set_notify(notify);
        for bucket in backup_buckets.iter().map(String::as_str).chain([REPORTS_BUCKET, CONVERSION_BUCKET]) {
            stack
                .make_bucket(bucket, template.buckets.get(bucket))
                .await
                .with_context(|| format!("failed to make the bucket {bucket}"))?;
        }
        Ok(stack)
    }

    /// Makes a bucket, with the settings that the template gives to its own.
    async fn make_bucket(&self, name: &str, settings: Option<&Bucket>) -> Result<()> {
        self.s3.create_bucket().bucket(name).send().await?;
        let Some(settings) = settings else { return Ok(()) };
        if let Some(status) = &settings.versioning {
            let versioning =
                VersioningConfiguration::builder().status(BucketVersioningStatus::from(status.as_str()));
            let put = self.s3.put_bucket_versioning().bucket(name);
            put.versioning_configuration(versioning.build()).send().await?;
        }
        if let Some(ownership) = &settings.ownership {
            let rule =
                OwnershipControlsRule::builder().object_ownership(ObjectOwnership::from(ownership.as_str()));
            let controls = OwnershipControls::builder().rules(rule.build()?).build()?;
            self.s3.put_bucket_ownership_controls().bucket(name).ownership_controls(controls).send().await?;
        }
        if settings.event_bridge {
            let event_bridge = EventBridgeConfiguration::builder().build();
            let notification =
                NotificationConfiguration::builder().event_bridge_configuration(event_bridge).build();
            let put = self.s3.put_bucket_notification_configuration().bucket(name);
            put.notification_configuration(notification).send().await?;
        }
        if let Some(policy) = &settings.policy {
            self.s3.put_bucket_policy().bucket(name).policy(policy.to_string()).send().await?;
        }
        Ok(())
    }

    /// Returns the environment variables with which AWS tools and `seeder` use this stack.
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL_S3", self.s3_server.endpoint()),
            ("AWS_ENDPOINT_URL_ELASTICACHE", self.elasticache_server.endpoint()),
            ("AWS_ENDPOINT_URL_SFN", &self.step_functions.endpoint),
            ("AWS_ENDPOINT_URL_KMS", &self.step_functions.endpoint),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &self.step_functions.endpoint),
            ("AWS_ENDPOINT_URL_CLOUDFORMATION", &self.account_api.endpoint),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", &self.account_api.endpoint),
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", &self.account_api.endpoint),
            ("AWS_ENDPOINT_URL_SQS", &self.account_api.endpoint),
            ("AWS_ENDPOINT_URL_IAM", &self.account_api.endpoint),
            ("AWS_ENDPOINT_URL_EC2", &self.account_api.endpoint),
            ("AWS_ENDPOINT_URL_CLOUDWATCH", &self.account_api.endpoint),
            ("AWS_ENDPOINT_URL_SERVICE_QUOTAS", &self.account_api.endpoint),
            ("AWS_ENDPOINT_URL_LAMBDA", self.lambda_server.endpoint()),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("SEEDER_BUCKET", DROP_BUCKET),
            ("SEEDER_REPORTS_BUCKET", REPORTS_BUCKET),
            ("SEEDER_STATE_MACHINE_ARN", &self.state_machine_arn),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// A client of S3.
    pub const fn s3(&self) -> &aws_sdk_s3::Client {
        &self.s3
    }

    /// A client of Step Functions.
    pub const fn sfn(&self) -> &aws_sdk_sfn::Client {
        &self.sfn
    }

    /// A client of KMS.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::new(&clients::config(&self.step_functions.endpoint))
    }

    /// A client of Secrets Manager.
    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&clients::config(&self.step_functions.endpoint))
    }

    /// A client of ElastiCache.
    pub const fn elasticache(&self) -> &aws_sdk_elasticache::Client {
        &self.elasticache
    }

    /// The Lambda endpoint, which injects faults and counts invocations.
    pub const fn lambda(&self) -> &local_lambda::Server {
        &self.lambda_server
    }

    /// The gateway between functions and services: it evaluates roles, injects faults and records calls.
    pub const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// What AWS knows of the stack and its account, to be changed.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account_api.lock()
    }

    /// A client of S3 that calls as a function does: through the gateway, with the function's role.
    pub fn s3_as(&self, function: &str) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&clients::config_of(function, self.gateway.endpoint()))
    }

    /// The roles as the template renders them for this stack: `{CALLER: [policy document, …]}`.
    pub const fn role_documents(&self) -> &Value {
        &self.role_documents
    }

    /// The ARN of the state machine.
    pub fn state_machine_arn(&self) -> &str {
        &self.state_machine_arn
    }

    /// The endpoint of EventBridge, SNS and SQS, to which the state machine tells outcomes.
    pub fn telling_endpoint(&self) -> &str {
        &self.step_functions.endpoint
    }

    /// The bucket for dropped backups.
    pub const fn drop_bucket(&self) -> &'static str {
        DROP_BUCKET
    }

    /// The bucket for the product's own files.
    pub const fn reports_bucket(&self) -> &'static str {
        REPORTS_BUCKET
    }

    /// The bucket for converted backups.
    pub const fn conversion_bucket(&self) -> &'static str {
        CONVERSION_BUCKET
    }

    /// The process IDs of the cache nodes.
    pub fn running_servers(&self) -> Vec<u32> {
        self.elasticache_server.running_servers()
    }

    /// The folder with logs and data.
    pub fn dir(&self) -> &std::path::Path {
        &self.dir
    }

    /// Stops all servers, dependents first.
    pub async fn stop(self) -> Result<()> {
        self.watch.abort();
        self.step_functions.stop().await;
        self.lambda_server.stop().await;
        self.gateway.stop().await;
        self.account_api.stop().await;
        self.elasticache_server.stop().await;
        self.s3_server.stop().await;
        Ok(())
    }
}
