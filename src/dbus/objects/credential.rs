//! `credentials/<id>`: `io.github.oathbridge.OathBridge1.Credential`.

use std::sync::Arc;
use std::time::Duration;

use zbus::message::Header;
use zbus::{ObjectPath, interface};

use crate::dbus::args::{Common, Map, Options, put_text, variant};
use crate::dbus::bridge::Bridge;
use crate::dbus::call::Call;
use crate::dbus::error::Error;
use crate::dbus::names;
use crate::dbus::operate::Task;
use crate::flows::{self, CodeReply, CodeRequest};
use crate::oath::{Credential, ObjectId};
use crate::operations::{self, Operation};
use crate::registry::Missing;

/// The code, the start and end of its validity in Unix seconds, and further values.
type Reply = (String, u64, u64, Map);

/// A credential on the bus.
pub(in crate::dbus) struct CredentialObject {
    pub(in crate::dbus) id: ObjectId,
    pub(in crate::dbus) credential: Credential,
    pub(in crate::dbus) bridge: Arc<Bridge>,
}

#[interface(name = "io.github.oathbridge.OathBridge1.Credential", introspection_docs = false)]
impl CredentialObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn token(&self) -> ObjectPath<'static> {
        names::token(self.id.token())
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn issuer(&self) -> &str {
        &self.credential.name.issuer
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn account(&self) -> &str {
        &self.credential.name.account
    }

    #[zbus(property(emits_changed_signal = "const"), name = "Type")]
    fn kind(&self) -> &str {
        self.credential.kind.word()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn algorithm(&self) -> String {
        self.credential.algorithm.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn digits(&self) -> u32 {
        self.credential.digits.get().into()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn period(&self) -> u32 {
        self.credential.name.period.seconds()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn touch_required(&self) -> &str {
        self.credential.touch.word()
    }

    #[zbus(out_args("code", "valid_from", "valid_until", "extra"))]
    async fn calculate(
        &self,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(String, u64, u64, Map), Error> {
        calculate(&self.bridge, &self.id, options, &header).await
    }

    async fn remove(&self, options: Map, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        remove(&self.bridge, &self.id, options, &header).await
    }

    #[zbus(out_args("credential"))]
    async fn rename(
        &self,
        issuer: String,
        account: String,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<ObjectPath<'static>, Error> {
        rename(&self.bridge, &self.id, (issuer, account, options), &header).await
    }
}

fn task(kind: operations::Kind, id: &ObjectId, common: Common) -> Task {
    Task { kind, credential: Some(id.clone()), token: None, common }
}

/// A missing credential means that the called object does not exist.
fn or_no_object<T>(result: Result<T, flows::Error>) -> Result<T, Error> {
    match result {
        Err(flows::Error::Missing(Missing::Credential)) => Err(Error::no_object()),
        result => Ok(result?),
    }
}

/// `Remove`, whether or not the credential has an object.
pub(in crate::dbus) async fn remove(
    bridge: &Arc<Bridge>,
    id: &ObjectId,
    options: Map,
    header: &Header<'_>,
) -> Result<(), Error> {
    let call = Call::authorize(bridge, header).await?;
    let mut options = Options::new(options);
    let (common, is_confirmed) = (options.common()?, options.flag("confirm", false)?);
    options.finish()?;
    if !is_confirmed {
        return Err(Error::removal_not_confirmed());
    }
    let work = async |operation: &Operation| or_no_object(bridge.flows.remove(id, operation).await);
    call.operate(task(operations::Kind::Remove, id, common), work, |()| Map::new()).await
}

/// `Rename` with its arguments, whether or not the credential has an object.
pub(in crate::dbus) async fn rename(
    bridge: &Arc<Bridge>,
    id: &ObjectId,
    (issuer, account, options): (String, String, Map),
    header: &Header<'_>,
) -> Result<ObjectPath<'static>, Error> {
    let call = Call::authorize(bridge, header).await?;
    let mut options = Options::new(options);
    let common = options.common()?;
    options.finish()?;
    let work = async |operation: &Operation| {
        let new = or_no_object(bridge.flows.rename(id, issuer, account, operation).await)?;
        Ok(names::credential(&new))
    };
    let values = |path: &ObjectPath<'static>| Map::from([("credential".to_owned(), path.clone().into())]);
    call.operate(task(operations::Kind::Rename, id, common), work, values).await
}

/// `Calculate`, whether or not the credential has an object.
pub(in crate::dbus) async fn calculate(
    bridge: &Arc<Bridge>,
    id: &ObjectId,
    options: Map,
    header: &Header<'_>,
) -> Result<Reply, Error> {
    let call = Call::authorize(bridge, header).await?;
    let mut options = Options::new(options);
    let request = CodeRequest {
        credential: id.clone(),
        permits: call.permit_code(),
        next: options.flag("next", false)?,
        min_validity: Duration::from_secs(options.number("min-validity")?.unwrap_or(0).into()),
        claim: options.flag("claim", false)?,
        advance_counter: options.flag("advance-counter", false)?,
        set_time: options.flag("set-time", false)?,
    };
    let common = options.common()?;
    options.finish()?;
    let flows = call.flows();
    let work = async |operation: &Operation| {
        let code = or_no_object(flows.code(&request, operation).await)?;
        if code.corrects_length {
            // The reply comes after the signals of the credential that has changed.
            bridge.caught_up().await;
        }
        Ok(reply(&code))
    };
    call.operate(task(operations::Kind::Calculate, id, common), work, values).await
}

fn reply(code: &CodeReply) -> Reply {
    let (from, until) = code.valid.unwrap_or_default();
    let mut extra = Map::new();
    put_text(&mut extra, "next-code", code.next.as_ref().map(|next| next.expose()));
    (code.code.expose().to_owned(), from.as_secs(), until.as_secs(), extra)
}

/// The values of `GetResult`.
fn values((code, from, until, extra): &Reply) -> Map {
    let mut values = Map::from([
        ("code".to_owned(), variant(code)),
        ("valid-from".to_owned(), (*from).into()),
        ("valid-until".to_owned(), (*until).into()),
    ]);
    values.extend(extra.iter().filter_map(|(key, value)| Some((key.clone(), value.try_clone().ok()?))));
    values
}
