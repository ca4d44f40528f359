//! `tokens/<id>`: `io.github.oathbridge.OathBridge1.Token`.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use zbus::message::Header;
use zbus::{Fd, ObjectPath, interface};

use crate::dbus::args::{Map, NewOptions, Options};
use crate::dbus::bridge::Bridge;
use crate::dbus::call::Call;
use crate::dbus::error::Error;
use crate::dbus::names;
use crate::dbus::operate::Task;
use crate::flows::UnlockRequest;
use crate::oath::TokenId;
use crate::operations::{self, Operation};
use crate::registry::{Attached, State};
use crate::sync::IgnorePoison;
use crate::token;

/// The timeout of `Lock`; D-Bus clients give up after 25 seconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(22);

/// A token on the bus. The task of the tree replaces the view; its lock is only held for a copy.
pub(in crate::dbus) struct TokenObject {
    pub(in crate::dbus) view: Arc<RwLock<View>>,
    pub(in crate::dbus) bridge: Arc<Bridge>,
}

/// The published properties.
#[derive(Clone, Debug)]
pub(in crate::dbus) struct View {
    pub(in crate::dbus) attached: Arc<Attached>,
    /// The published state: a new token is `reading` until its credentials are published.
    pub(in crate::dbus) state: State,
    /// The last part of the name of the error with which the last reading failed; otherwise empty.
    pub(in crate::dbus) state_reason: String,
}

impl View {
    /// Replaces the state and its reason.
    pub(in crate::dbus) fn set_state(&mut self, state: &State) {
        self.state_reason = match state {
            _ if self.state == *state => return,
            State::Error(error) => Error::of_token(error.clone()).last_part().to_owned(),
            _ => String::new(),
        };
        self.state = state.clone();
    }
}

impl TokenObject {
    fn view(&self) -> View {
        self.view.read().ignore_poison().clone()
    }

    fn id_now(&self) -> TokenId {
        self.view().attached.info.id.clone()
    }
}

#[interface(name = "io.github.oathbridge.OathBridge1.Token", introspection_docs = false)]
impl TokenObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn id(&self) -> String {
        self.view().attached.info.id.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn vendor(&self) -> String {
        self.view().attached.info.vendor.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn model(&self) -> String {
        self.view().attached.info.model.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn family(&self) -> &'static str {
        self.view().attached.info.family
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn serial(&self) -> String {
        self.view().attached.info.serial.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn firmware(&self) -> String {
        self.view().attached.info.firmware.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn reader(&self) -> String {
        self.view().attached.info.reader.clone()
    }

    #[zbus(property(emits_changed_signal = "const"), name = "Virtual")]
    fn is_virtual(&self) -> bool {
        self.view().attached.info.is_virtual
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn transports(&self) -> Vec<String> {
        self.view().attached.transports.iter().map(|&name| name.to_owned()).collect()
    }

    #[zbus(property)]
    fn state(&self) -> String {
        self.view().state.to_string()
    }

    #[zbus(property)]
    fn state_reason(&self) -> String {
        self.view().state_reason
    }

    #[zbus(property)]
    fn attempts_left(&self) -> i32 {
        self.view().attached.info.attempts_left.map_or(-1, i32::from)
    }

    #[zbus(property)]
    fn pin_set(&self) -> bool {
        self.view().attached.info.pin_set
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn capabilities(&self) -> Vec<String> {
        let operations = &self.view().attached.info.abilities.operations;
        operations.iter().map(|&word| word.to_owned()).collect()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn capacity(&self) -> u32 {
        self.view().attached.info.abilities.capacity.unwrap_or(0)
    }

    async fn unlock(
        &self,
        secret: Fd<'_>,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let unlocking = self.bridge.flows.begin_unlock(self.id_now());
        let call = Call::authorize(&self.bridge, &header).await?;
        let mut options = Options::new(options);
        let common = options.common()?;
        let allow_last_attempts = options.flag("allow-last-attempts", false)?;
        let remember = options.flag("remember", false)?;
        options.finish()?;
        let request = UnlockRequest { secret: call.read(secret).await?, allow_last_attempts, remember };
        let task =
            Task { kind: operations::Kind::Unlock, credential: None, token: Some(self.id_now()), common };
        let work = async |operation: &Operation| {
            Ok(self.bridge.flows.unlock(request, &unlocking, operation).await?)
        };
        call.operate(task, work, |()| Map::new()).await
    }

    async fn set_password(
        &self,
        new: Fd<'_>,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let unlocking = self.bridge.flows.begin_unlock(self.id_now());
        let call = Call::authorize(&self.bridge, &header).await?;
        let mut options = Options::new(options);
        let (common, current) = (options.common()?, options.descriptor("current")?);
        let (clears, is_confirmed) = (options.flag("clear", false)?, options.flag("confirm", false)?);
        options.finish()?;
        if !is_confirmed {
            return Err(Error::password_not_confirmed());
        }
        let new = if clears { None } else { Some(call.read(new).await?) };
        let current = match current {
            Some(current) => Some(call.read(current).await?),
            None => None,
        };
        let kind = operations::Kind::SetPassword;
        let task = Task { kind, credential: None, token: Some(self.id_now()), common };
        let work = async |operation: &Operation| {
            Ok(self.bridge.flows.set_password(new, current, &unlocking, operation).await?)
        };
        call.operate(task, work, |()| Map::new()).await
    }

    #[zbus(out_args("credential"))]
    async fn add_credential(
        &self,
        secret: Fd<'_>,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<ObjectPath<'static>, Error> {
        let call = Call::authorize(&self.bridge, &header).await?;
        let mut options = Options::new(options);
        let common = options.common()?;
        let mut new = NewOptions::take(&mut options)?;
        options.finish()?;
        let same_seed_as = new.same_seed_as.take();
        call.check_new_touch(new.touch)?;
        let new = new.credential(&call.read(secret).await?)?;
        let task = Task {
            kind: operations::Kind::AddCredential,
            credential: None,
            token: Some(self.id_now()),
            common,
        };
        let work = async |operation: &Operation| {
            let id = self.bridge.flows.add(new, same_seed_as.as_ref(), operation).await?;
            Ok(names::credential(&id))
        };
        call.operate(task, work, |path| Map::from([("credential".to_owned(), path.clone().into())])).await
    }

    async fn lock(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        let (id, attached) = (self.id_now(), self.view().attached);
        // Does not wait longer than clients do.
        let bounded = async {
            tokio::select! {
                result = self.bridge.flows.lock(&attached) => result,
                () = self.bridge.flows.clock().sleep(LOCK_TIMEOUT) => Err(token::Error::Busy),
            }
        };
        Call::authorize(&self.bridge, &header).await?.perform(id.as_str(), bounded).await
    }
}
