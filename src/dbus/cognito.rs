//! The root's `io.github.oathbridge.OathBridge1.Cognito`.

use std::sync::Arc;

use zbus::message::Header;
use zbus::{OwnedObjectPath, interface};

use super::call::Task;
use super::descriptor::Passed;
use super::entry::{Door, Entry};
use super::options::{Common, Map, Options};
use super::results::details;
use super::submission::{DeviceName, endpoint, find_profile, policy, target};
use super::{Bridge, Error, challenge, variant};
use crate::cognito::{AccessToken, Authorization, Session};
use crate::config::Profile;
use crate::flows::{Submission, Target, VerifyRequest};
use crate::operations::{self, Operation};

pub(super) struct CognitoObject {
    pub(super) bridge: Arc<Bridge>,
}

#[interface(name = "io.github.oathbridge.OathBridge1.Cognito", introspection_docs = false)]
impl CognitoObject {
    #[zbus(out_args("status", "session", "extra"))]
    async fn verify_software_token(
        &self,
        credential: OwnedObjectPath,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(String, String, Map), Error> {
        let entry = self.bridge.enter(&header, Door::SUBMIT).await?;
        let (request, common) = self.request(&credential, options, &entry).await?;
        let credential = match &request.submission.credential {
            Target::Id(id) => Some(id.clone()),
            Target::Query(_) => None,
        };
        let task = Task { kind: operations::Kind::VerifySoftwareToken, credential, token: None, common };
        let work = async |operation: &Operation| {
            let verified = self.bridge.flows.verify(&request, operation).await;
            let reply = self.bridge.judged(verified, operation)?;
            let facts = operation.facts();
            let session = reply.session.map_or_else(String::new, |session| session.expose().to_owned());
            let mut extra = details(&facts);
            extra.remove("submitted");
            Ok(("SUCCESS".to_owned(), session, extra))
        };
        self.bridge.operate(entry, task, work, values).await
    }

    #[zbus(out_args("result"))]
    async fn respond_to_mfa_challenge(
        &self,
        credential: OwnedObjectPath,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<Map, Error> {
        challenge::respond(&self.bridge, &credential, options, &header).await
    }
}

/// What `GetResult` tells besides the details.
fn values((status, session, _): &(String, String, Map)) -> Map {
    Map::from([("status".to_owned(), variant(status)), ("session".to_owned(), variant(session))])
}

impl CognitoObject {
    /// Checks everything that can be checked before hardware is touched.
    async fn request(
        &self,
        credential: &OwnedObjectPath,
        options: Map,
        entry: &Entry<'_>,
    ) -> Result<(VerifyRequest, Common), Error> {
        let mut options = Options::new(options);
        let common = options.common()?;
        let device_name = options.text("friendly-device-name")?;
        let profile_name = options.text("profile")?;
        let region = options.text("region")?;
        let access_token = options.secret("access-token")?;
        let session = options.secret("session")?;
        options.finish()?;

        let config = self.bridge.config();
        let profile = profile_name.map(|name| find_profile(&config.config, &name)).transpose()?;
        let authorization = self.authorization(access_token, session, entry).await?;
        same_pool(&authorization, profile)?;
        let token = match &authorization {
            Authorization::AccessToken(token) => Some(token),
            Authorization::Session(_) => None,
        };
        let endpoint = endpoint(token, profile, region)?;
        let submission = Submission {
            credential: target(credential, profile, DeviceName::Never)?,
            endpoint,
            policy: policy(&config.config.cognito),
        };
        let request = VerifyRequest { submission, authorization, device_name };
        Ok((request, common))
    }

    async fn authorization(
        &self,
        access_token: Option<Passed>,
        session: Option<Passed>,
        entry: &Entry<'_>,
    ) -> Result<Authorization, Error> {
        match (access_token, session) {
            (Some(token), None) => {
                let token = self.bridge.secret(token, entry).await?;
                let now = self.bridge.flows.clock().unix_time();
                Ok(Authorization::AccessToken(AccessToken::parse(token, now)?))
            }
            (None, Some(session)) => {
                Ok(Authorization::Session(Session::parse(self.bridge.secret(session, entry).await?)?))
            }
            _ => Err(Error::invalid(
                "VerifySoftwareToken takes the option access-token or the option session; pass exactly one",
            )),
        }
    }
}

/// A token of another pool is a mix-up, and would enrol this credential's seed there.
fn same_pool(authorization: &Authorization, profile: Option<&Profile>) -> Result<(), Error> {
    let of_profile = profile.and_then(|profile| profile.user_pool_id.as_deref());
    match (authorization, of_profile) {
        (Authorization::AccessToken(token), Some(pool)) if token.pool_id().is_some_and(|id| id != pool) => {
            Err(Error::invalid(
                "The access token is of another user pool than the profile; pass the token or the profile that belongs to the other",
            ))
        }
        _ => Ok(()),
    }
}
