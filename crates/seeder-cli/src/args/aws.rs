//! The account and the region that AWS is called in.

use aws_config::{
    environment::EnvironmentVariableRegionProvider, meta::region::ProvideRegion as _,
    profile::ProfileFileRegionProvider,
};
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

    /// The region of the options, the environment or the profile. The instance that this may run on is not asked.
    pub(crate) async fn configured_region(&self) -> Option<String> {
        let chosen = self.region.clone().or_else(|| self.weak.region.clone());
        let region = match chosen {
            Some(region) => Some(region),
            None => self.region_of_the_configuration().await,
        };
        region.filter(|region| !region.is_empty())
    }

    async fn region_of_the_configuration(&self) -> Option<String> {
        let profile = self.profile.as_ref().or(self.weak.profile.as_ref());
        let of_profile = profile.iter().fold(ProfileFileRegionProvider::builder(), |builder, profile| {
            builder.profile_name(profile.as_str())
        });
        let region = match EnvironmentVariableRegionProvider::new().region().await {
            Some(region) => Some(region),
            None => of_profile.build().region().await,
        };
        region.map(|region| region.to_string())
    }
}
