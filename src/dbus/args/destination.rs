//! The user pool and the app client of a submission, as far as the call and the configuration name them.

use std::collections::BTreeMap;

use crate::access::{Fit, Subject};
use crate::cognito::{AccessToken, Endpoint, EndpointUrl};
use crate::config::{Config, Profile};
use crate::flows::{Account, Target};

/// The user pool and the app client of a submission.
///
/// They come from what Cognito checks: an access token or the app client of a sign-in. That a call names a profile says
/// nothing about the pool of its session.
#[derive(Debug, Default)]
pub(in crate::dbus) struct Destination {
    /// The profile that the call names.
    profile: Option<String>,
    pool: Option<String>,
    client: Option<String>,
    /// The region of the endpoint; `None` for a URL, which may lead to any region.
    region: Option<String>,
    /// The URL, or else the region.
    place: String,
}

impl Destination {
    /// `profile` is named by the call, and `client` is the app client of a sign-in.
    pub(in crate::dbus) fn of(
        config: &Config,
        profile: Option<&str>,
        token: Option<&AccessToken>,
        client: Option<&str>,
        endpoint: &Endpoint,
    ) -> Self {
        let client = token.and_then(AccessToken::client_id).or(client).map(str::to_owned);
        let pool_of_client = || {
            let of_client = |profile: &&Profile| profile.client_id.is_some() && profile.client_id == client;
            config.profiles.values().filter(of_client).find_map(|profile| profile.user_pool_id.clone())
        };
        let pool = token.and_then(AccessToken::pool_id).map(str::to_owned).or_else(pool_of_client);
        let url = endpoint.url.as_ref().map(EndpointUrl::as_str);
        let region = endpoint.region.map(|region| region.as_str().to_owned()).filter(|_| url.is_none());
        let place = url.map(str::to_owned).or_else(|| region.clone()).unwrap_or_default();
        Self { profile: profile.map(str::to_owned), pool, client, region, place }
    }

    /// The account of the user with these names; without one, of any user.
    pub(in crate::dbus) fn account<'user>(&self, users: impl Iterator<Item = &'user str>) -> Account {
        let known = [&self.pool, &self.client].into_iter().flatten();
        let somewhere = (self.pool.is_none() && self.client.is_none()).then_some(&self.place);
        let mut account = Account::of(known.chain(somewhere).map(String::as_str));
        let mut users = users.peekable();
        if users.peek().is_none() {
            account.add_user("");
        }
        users.for_each(|user| account.add_user(user));
        account
    }

    /// The profiles that the submission belongs to, or may belong to, by name.
    fn profiles(&self, config: &Config) -> BTreeMap<String, Fit> {
        let profiles = config.profiles.iter();
        profiles.map(|(name, profile)| (name.clone(), self.fit(name, profile))).collect()
    }

    /// Whether the pool or the app client is that of a profile.
    fn fit(&self, name: &str, profile: &Profile) -> Fit {
        let is = |known: &Option<String>, wanted: &Option<String>| Some(known.as_ref()? == wanted.as_ref()?);
        let pool = is(&self.pool, &profile.user_pool_id);
        let client = is(&self.client, &profile.client_id);
        if pool == Some(true) || client == Some(true) {
            return Fit::Yes;
        }
        let (wants_pool, wants_client) = (profile.user_pool_id.is_some(), profile.client_id.is_some());
        if !wants_pool && !wants_client {
            // The name is all that a call and this profile can have in common.
            return if self.profile.as_deref() == Some(name) { Fit::Yes } else { Fit::No };
        }
        let is_elsewhere = self.region.as_ref().is_some_and(|region| *region != profile.region);
        // A pool that is known and another one has other app clients.
        let is_open = (wants_pool && pool.is_none()) || (wants_client && client.is_none() && pool.is_none());
        if is_open && !is_elsewhere { Fit::Hidden } else { Fit::No }
    }
}

/// What a submission is about, for the rules of the configuration.
pub(in crate::dbus) fn subject(credential: &Target, destination: &Destination, config: &Config) -> Subject {
    let id = match credential {
        Target::Id(id) => Some(id.to_string()),
        Target::Query(_) => None,
    };
    Subject::submission(id, destination.profiles(config))
}
