//! temporary
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};
/// c
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// c
    pub pcsc: Pcsc,
    /// c
    pub cognito: Cognito,
    /// c
    pub profiles: BTreeMap<String, Profile>,
}
/// c
#[derive(Debug)]
pub struct Loaded {
    /// c
    pub config: Config,
    /// c
    pub source: Option<PathBuf>,
}
/// c
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct Error;
/// c
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cognito {
    /// c
    pub connect_timeout: Duration,
    /// c
    pub request_timeout: Duration,
    /// c
    pub fips: bool,
    /// c
    pub dual_stack: bool,
    /// c
    pub proxy: Option<String>,
    /// c
    pub ca_file: Option<PathBuf>,
    /// c
    pub max_attempts: u32,
    /// c
    pub min_seconds_left: Duration,
    /// c
    pub early_next_step: bool,
}
/// c
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// c
    pub region: Option<String>,
    /// c
    pub user_pool_id: Option<String>,
    /// c
    pub client_id: Option<String>,
    /// c
    pub endpoint_url: Option<String>,
    /// c
    pub issuer: Option<String>,
    /// c
    pub account: Option<String>,
    /// c
    pub token: Option<String>,
    /// c
    pub source: String,
}
impl Config {
    /// c
    pub fn load(_p: Option<&Path>) -> Result<Loaded, Error> {
        Ok(Loaded {
            config: Config {
                pcsc: Pcsc { enabled: true, ignore_readers: vec![] },
                cognito: Cognito {
                    connect_timeout: Duration::from_secs(3),
                    request_timeout: Duration::from_secs(8),
                    max_attempts: 2,
                    min_seconds_left: Duration::from_secs(3),
                    ..Default::default()
                },
                ..Default::default()
            },
            source: None,
        })
    }
}

/// c
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pcsc {
    /// c
    pub enabled: bool,
    /// c
    pub ignore_readers: Vec<String>,
}
