//! The user pool and the app client of a submission, as far as the call and the configuration name them.

use std::collections::BTreeMap;

use crate::access::{Fit, Subject};
use crate::cognito::{AccessToken, Endpoint, EndpointUrl};
use crate::config::{Config, Profile};
use crate::flows::{Account, Target};

/// The user pool and the app client of a submission.
#[derive(Debug, Default)]
pub(in crate::dbus) struct Destination {
    /// The profile that the call names.
    profile: Option<String>,
    pool: Option<String>,
    client: Option<String>,
    /// The URL, or else the region.
    place: Option<String>,
}

impl Destination {
    /// `client` is the app client of the call, or that of its profile.
    pub(in crate::dbus) fn of(
        config: &Config,
        named: Option<(&str, &Profile)>,
        token: Option<&AccessToken>,
        client: Option<&str>,
        endpoint: &Endpoint,
    ) -> Self {
        let (profile, named) = named.map_or((None, None), |(name, profile)| (Some(name), Some(profile)));
        let client = token.and_then(AccessToken::client_id).or(client).map(str::to_owned);
        let pool_of_client = || {
            let client = client.as_deref()?;
            let of_client = |profile: &&Profile| profile.client_id.as_deref() == Some(client);
            config.profiles.values().filter(of_client).find_map(|profile| profile.user_pool_id.clone())
        };
        // The pool of a profile is that of the call, unless the call has another app client.
        let is_of_profile = |profile: &&Profile| {
            client.is_none() || profile.client_id.is_none() || profile.client_id == client
        };
        let pool_of_profile = || named.filter(is_of_profile)?.user_pool_id.clone();
        let pool_of_token = token.and_then(AccessToken::pool_id).map(str::to_owned);
        let url = endpoint.url.as_ref().map(EndpointUrl::as_str);
        let place = url.or_else(|| endpoint.region.map(|region| region.as_str()));
        Self {
            pool: pool_of_token.or_else(pool_of_client).or_else(pool_of_profile),
            place: place.map(str::to_owned),
            profile: profile.map(str::to_owned),
            client,
        }
    }

    /// The account of the user with these names; without one, of any user.
    pub(in crate::dbus) fn account<'user>(&self, users: impl Iterator<Item = &'user str>) -> Account {
        let known = [&self.pool, &self.client].into_iter().flatten();
        let somewhere = self.place.as_ref().filter(|_| self.pool.is_none() && self.client.is_none());
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

    /// Whether the pool or the app client is that of a profile, or the call names the profile.
    fn fit(&self, name: &str, profile: &Profile) -> Fit {
        let equal = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
        if self.profile.as_deref() == Some(name)
            || equal(&self.pool, &profile.user_pool_id)
            || equal(&self.client, &profile.client_id)
        {
            return Fit::Yes;
        }
        // The pool may also be reached without the URL of the profile. A URL may lead to any region.
        let is_elsewhere = self
            .place
            .as_ref()
            .is_some_and(|place| *place != profile.region && Some(place) != profile.endpoint_url.as_ref());
        let may_be_its_pool = self.pool.is_none() && profile.user_pool_id.is_some();
        // A pool that is known and another one has other app clients.
        let other_pool = self.pool.is_some() && profile.user_pool_id.is_some();
        let may_be_its_client = self.client.is_none() && profile.client_id.is_some() && !other_pool;
        if !is_elsewhere && (may_be_its_pool || may_be_its_client) { Fit::Hidden } else { Fit::No }
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
