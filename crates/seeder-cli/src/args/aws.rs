//! The account and the region that AWS is called in.

use seeder_aws::{Choice, Clients};

use crate::config::Weak;

/// Options of every command that calls AWS.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "AWS")]
pub(crate) struct AwsArgs {
    /// Profile of the AWS configuration. Its credentials win over keys in the environment. [default: `$AWS_PROFILE`]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Region. [default: `$AWS_REGION`, or the profile's]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) region: Option<String>,
    /// What `seeder.toml` says, over which the environment wins.
    #[arg(skip)]
    pub(crate) weak: Weak,
}

impl AwsArgs {
    /// The clients of all services.
    pub(crate) async fn clients(&self) -> Clients {
        Clients::chosen(&Choice {
            profile: self.profile.clone().or_else(|| self.weak.profile.clone()),
            profile_wins: self.profile.is_some(),
            region: self.region.clone().or_else(|| self.weak.region.clone()),
        })
        .await
    }
}
