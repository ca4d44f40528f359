//! `tokens/<id>`: `io.github.oathbridge.OathBridge1.Token`.

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use zbus::message::Header;
use zbus::{Fd, interface};

use super::options::{Map, Options};
use super::{Bridge, Error, descriptor};
use crate::registry::{Attached, State};
use crate::token;

/// D-Bus clients give up after 25 seconds.
const PATIENCE: Duration = Duration::from_secs(22);

/// A token on the bus. The mirror replaces the view; nobody holds its lock for longer than a copy takes.
pub(super) struct TokenObject {
    pub(super) view: Arc<RwLock<View>>,
    pub(super) bridge: Arc<Bridge>,
}

/// What the object shows.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) attached: Arc<Attached>,
    /// What `State` says: the mirror shows a new token as `reading` until its credentials are shown.
    pub(super) state: State,
}

impl TokenObject {
    fn view(&self) -> View {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits no longer than clients do.
    async fn change(
        &self,
        what: &str,
        header: &Header<'_>,
        work: impl Future<Output = Result<(), token::Error>>,
    ) -> Result<(), Error> {
        let bounded = async {
            tokio::select! {
                result = work => result,
                () = self.bridge.flows.clock().sleep(PATIENCE) => Err(token::Error::Busy),
            }
        };
        self.bridge.audited(what, &self.view().attached.info.id, header, bounded).await
    }
}

#[interface(name = "io.github.oathbridge.OathBridge1.Token", introspection_docs = false)]
impl TokenObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn id(&self) -> String {
        self.view().attached.info.id.clone()
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
    fn family(&self) -> String {
        self.view().attached.info.family.clone()
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
        vec![self.view().attached.info.transport.to_owned()]
    }

    #[zbus(property)]
    fn state(&self) -> String {
        self.view().state.to_string()
    }

    #[zbus(property)]
    fn attempts_left(&self) -> i32 {
        self.view().attached.info.attempts_left.map_or(-1, i32::from)
    }

    async fn unlock(
        &self,
        secret: Fd<'_>,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        Options::new(options).finish()?;
        let password = descriptor::read(secret).await?;
        self.change("Unlock", &header, self.view().attached.token.unlock(password)).await
    }

    async fn lock(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        self.change("Lock", &header, self.view().attached.token.lock()).await
    }
}
