//! The user pool and the app client of a submission, as far as the call and the configuration name them.

use std::collections::BTreeMap;

use crate::access::{Fit, Subject};
use crate::cognito::{AccessToken, Endpoint};
use crate::config::{Allowed, Config, Profile};
use crate::flows::{Account, Target};

/// The user pool and the app client of a submission.
///
/// They come from what Cognito checks: an access token or the app client of a sign-in. That a call names a profile says
/// nothing about the pool of its session. Another server than Cognito need not check anything.
#[derive(Clone, Debug, Default)]
pub(in crate::dbus) struct Destination {
    /// The profile that the call names.
    profile: Option<String>,
    /// The pool of an access token.
    pool: Option<String>,
    client: Option<String>,
    /// The region of the endpoint; `None` for a URL, which may lead to any region.
    region: Option<String>,
    url: Option<String>,
    is_token: bool,
}

impl Destination {
    /// `profile` is named by the call, and `client` is the app client of a sign-in.
    pub(in crate::dbus) fn of(
        profile: Option<&str>,
        token: Option<&AccessToken>,
        client: Option<&str>,
        endpoint: &Endpoint,
    ) -> Self {
        let url = endpoint.url.as_ref().map(|url| url.as_str().to_owned());
        Self {
            profile: profile.map(str::to_owned),
            pool: token.and_then(AccessToken::pool_id).map(str::to_owned),
            client: token.and_then(AccessToken::client_id).or(client).map(str::to_owned),
            region: endpoint.region.map(|region| region.as_str().to_owned()).filter(|_| url.is_none()),
            url,
            is_token: token.is_some(),
        }
    }

    /// The account of the user with these names; without one, of a user that is not known to this program.
    pub(in crate::dbus) fn account<'user>(
        &self,
        config: &Config,
        users: impl Iterator<Item = &'user str>,
        program: &str,
    ) -> Account {
        let pool = self.pool(config);
        let known = [pool, self.client.as_deref()].into_iter().flatten();
        let place = self.url.as_deref().or(self.region.as_deref()).unwrap_or_default();
        let somewhere = (pool.is_none() && self.client.is_none()).then_some(place);
        let mut account = Account::of(known.chain(somewhere), program);
        users.for_each(|user| account.add_user(user));
        account
    }

    /// What the submission is about, for the rules of this configuration.
    pub(in crate::dbus) fn subject(&self, credential: &Target, config: &Config) -> Subject {
        let id = match credential {
            Target::Id(id) => Some(id.to_string()),
            Target::Query(_) => None,
        };
        Subject::submission(id, self.profiles(config))
    }

    /// What the policy does not allow, in words; `None` if it allows the submission.
    pub(in crate::dbus) fn forbidden_by(&self, allowed: &Allowed) -> Option<&'static str> {
        if self.url.as_deref().is_some_and(|url| !allowed.has_endpoint(url)) {
            return Some("this endpoint_url");
        }
        let client = self.client.as_deref();
        match self.is_token {
            true if !allowed.has_pool(self.pool.as_deref()) => Some("the user pool of this access token"),
            true if !allowed.has_client(client) => Some("the app client of this access token"),
            false if !allowed.has_session(client) => Some("a session with this app client, or without one"),
            _ => None,
        }
    }

    /// The user pool; that of the app client if the profiles agree about it.
    fn pool<'a>(&'a self, config: &'a Config) -> Option<&'a str> {
        let is_client = |profile: &&Profile| profile.client_id.is_some() && profile.client_id == self.client;
        let mut pools =
            config.profiles.values().filter(is_client).filter_map(|profile| profile.user_pool_id.as_deref());
        let of_client = || pools.next().filter(|first| pools.all(|other| other == *first));
        self.pool.as_deref().or_else(of_client)
    }

    /// The profiles that the submission belongs to, or may belong to, by name.
    fn profiles(&self, config: &Config) -> BTreeMap<String, Fit> {
        let pool = self.pool(config);
        let profiles = config.profiles.iter();
        profiles.map(|(name, profile)| (name.clone(), self.fit(name, profile, pool))).collect()
    }

    /// Whether the pool or the app client is that of a profile.
    fn fit(&self, name: &str, profile: &Profile, pool: Option<&str>) -> Fit {
        let is = |known: Option<&str>, wanted: &Option<String>| Some(known? == wanted.as_deref()?);
        let is_named = self.profile.as_deref() == Some(name);
        let (wants_pool, wants_client) = (profile.user_pool_id.is_some(), profile.client_id.is_some());
        if !wants_pool && !wants_client {
            // The name is all that a call and this profile can have in common.
            return if is_named { Fit::Yes } else { Fit::No };
        }
        let is_other_server = self.url.is_some() && self.url != profile.endpoint_url;
        let is_pool = is(pool, &profile.user_pool_id);
        let is_client = is(self.client.as_deref(), &profile.client_id);
        if is_pool == Some(true) || is_client == Some(true) {
            return if is_other_server { Fit::Hidden } else { Fit::Yes };
        }
        // The server of a URL may take an invented token.
        let is_invented = self.url.is_some() && self.is_token;
        // A pool that is known and another one has other app clients.
        let is_open = pool.is_none() && (wants_pool || self.client.is_none());
        let may_be = is_named || is_invented || (is_open && !self.is_elsewhere(profile));
        if may_be { Fit::Hidden } else { Fit::No }
    }

    /// Whether the region excludes the profile's pool. An endpoint URL of the profile may lead to any region.
    fn is_elsewhere(&self, profile: &Profile) -> bool {
        profile.endpoint_url.is_none()
            && self.region.as_ref().is_some_and(|region| *region != profile.pool_region())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cognito::{EndpointUrl, Region};

    const URL: &str = "http://127.0.0.1:9229";

    fn config(profiles: &str) -> Config {
        Config::parse(profiles, Path::new("config.toml")).unwrap()
    }

    fn endpoint(region: &str, url: Option<&str>) -> Endpoint {
        Endpoint { region: Region::parse(region).ok(), url: url.map(|url| EndpointUrl::parse(url).unwrap()) }
    }

    fn work(destination: &Destination, profile: &str) -> Fit {
        let config = config(&format!("[profiles.work]\n{profile}\n"));
        destination.profiles(&config)["work"]
    }

    #[test]
    fn a_call_that_names_a_profile_does_not_escape_its_rules() {
        let profile = "region = 'eu-central-1'\nuser_pool_id = 'eu-central-1_A'\nclient_id = 'c'";
        let endpoint = endpoint("eu-central-1", None);
        let by = |name| Destination {
            pool: Some("eu-central-1_B".to_owned()),
            ..Destination::of(name, None, Some("d"), &endpoint)
        };
        assert_eq!(work(&by(Some("work")), profile), Fit::Hidden);
        assert_eq!(work(&by(None), profile), Fit::No);
    }

    #[test]
    fn an_invented_token_for_another_server_proves_nothing() {
        let profile = |url| format!("region = 'eu-central-1'\nclient_id = 'c'\nendpoint_url = '{url}'");
        let token = |client: &str| Destination {
            client: Some(client.to_owned()),
            is_token: true,
            ..Destination::of(None, None, None, &endpoint("eu-central-1", Some(URL)))
        };
        assert_eq!(work(&token("d"), &profile(URL)), Fit::Hidden);
        assert_eq!(work(&token("c"), &profile(URL)), Fit::Yes);
        assert_eq!(work(&token("c"), &profile("http://127.0.0.1:1")), Fit::Hidden);
    }

    #[test]
    fn profiles_that_disagree_about_the_pool_of_a_client_name_none() {
        let config = config(
            "[profiles.a]\nregion = 'eu-central-1'\nuser_pool_id = 'eu-central-1_A'\nclient_id = 'c'\n\
             [profiles.b]\nregion = 'eu-central-1'\nuser_pool_id = 'eu-central-1_B'\nclient_id = 'c'\n\
             [profiles.other]\nregion = 'eu-central-1'\nuser_pool_id = 'eu-central-1_B'\nclient_id = 'd'\n",
        );
        let destination = Destination::of(None, None, Some("c"), &endpoint("eu-central-1", None));
        assert_eq!(destination.pool(&config), None);
        assert_eq!(destination.profiles(&config)["other"], Fit::Hidden);
        let destination = Destination::of(None, None, Some("d"), &endpoint("eu-central-1", None));
        assert_eq!(destination.pool(&config), Some("eu-central-1_B"));
    }

    #[test]
    fn only_the_region_of_the_pool_excludes_a_profile() {
        let pool = "user_pool_id = 'eu-central-1_A'";
        let by = |region| Destination::of(None, None, None, &endpoint(region, None));
        for (region, more, fit) in [
            ("us-east-1", "region = 'eu-central-1'", Fit::No),
            ("eu-central-1", "region = 'us-east-1'", Fit::Hidden),
            ("us-east-1", "region = 'us-east-1'", Fit::No),
            ("us-east-1", "region = 'eu-central-1'\nendpoint_url = 'http://127.0.0.1:9229'", Fit::Hidden),
        ] {
            assert_eq!(work(&by(region), &format!("{pool}\n{more}")), fit, "{region} {more}");
        }
    }
}
