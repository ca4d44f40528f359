//! The daemon as it answers the status, and what systemd tells of it if it does not.

use std::time::Duration;

use zbus::Connection;
use zbus::fdo::{DBusProxy, PropertiesProxy};
use zbus::names::InterfaceName;

use super::Failure;
use super::bus::{Bus, within};
use super::proxies::Extra;
use super::screen_lock::ScreenLock;
use super::service_unit::ServiceUnit;
use super::tree::Tree;
use crate::dbus::names;

/// The time for an answer that needs no token.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The time for the list of tokens. The daemon reads attached tokens for up to three seconds.
const LIST_TIMEOUT: Duration = Duration::from_secs(4);

/// The daemon as it answers.
#[derive(Default)]
pub(super) struct DaemonState {
    /// `running`, `silent`, `activatable`, `stopped` or `no-bus`.
    pub(super) word: &'static str,
    /// Why the session bus is not reachable, if it told that.
    pub(super) no_bus: Option<Failure>,
    /// What systemd tells of a daemon that does not answer.
    pub(super) unit: Option<ServiceUnit>,
    pub(super) version: Option<String>,
    pub(super) tree: Option<Tree>,
    /// Whether it uses tokens. Without a valid configuration it refuses calls, and shows only properties.
    pub(super) is_open: bool,
    /// `None` without an answer; in it, what logind has told the daemon.
    pub(super) screen: Option<Option<ScreenLock>>,
    /// Whether it looks for tokens with pcscd, if it tells that.
    pub(super) uses_pcsc: Option<bool>,
}

impl DaemonState {
    /// Asks the daemon, or else systemd; does not start the daemon.
    pub(super) async fn ask() -> Self {
        let with = |word| Self { word, ..Self::default() };
        let bus = match within(ANSWER_TIMEOUT, Bus::join()).await {
            Ok(Ok(bus)) => bus,
            Ok(Err(failure)) => return Self { no_bus: Some(failure), ..with("no-bus") },
            Err(_) => return with("no-bus"),
        };
        let names = within(ANSWER_TIMEOUT, async {
            let proxy = DBusProxy::new(bus.connection()).await?;
            let runs = proxy.name_has_owner(names::BUS.try_into()?).await?;
            let starts = proxy.list_activatable_names().await?.iter().any(|name| name.as_str() == names::BUS);
            zbus::Result::Ok((runs, starts))
        });
        let mut state = match names.await {
            Ok(Ok((true, _))) => running(&bus).await,
            Ok(Ok((false, true))) => with("activatable"),
            Ok(Ok((false, false))) => with("stopped"),
            _ => return with("no-bus"),
        };
        if state.word != "running" {
            state.unit = ServiceUnit::of_systemd(bus.connection(), ANSWER_TIMEOUT).await;
        }
        state
    }
}

/// The version and the objects of the running daemon.
async fn running(bus: &Bus) -> DaemonState {
    let Ok(version) = within(ANSWER_TIMEOUT, property(bus.connection(), "Version")).await else {
        return DaemonState { word: "silent", ..DaemonState::default() };
    };
    let (tree, is_open) = match within(LIST_TIMEOUT, bus.tree()).await {
        Ok(Ok(tree)) => (Some(tree), true),
        _ => (within(ANSWER_TIMEOUT, bus.tree_of_properties()).await.ok().and_then(Result::ok), false),
    };
    let info = within(ANSWER_TIMEOUT, bus.caller_info()).await.ok().and_then(Result::ok);
    let flag = |info: &Extra, key: &str| info.get(key).and_then(|value| bool::try_from(value).ok());
    let uses_pcsc = info.as_ref().and_then(|info| flag(info, "pcsc"));
    // The daemon tells a sandboxed program nothing of the screen, but logind may.
    let info = info.filter(|info| flag(info, "sandboxed") != Some(true));
    let screen = info.map(|info| ScreenLock::of_caller_info(&info));
    DaemonState { word: "running", version, tree, is_open, screen, uses_pcsc, ..DaemonState::default() }
}

async fn property<T: TryFrom<zbus::OwnedVariant>>(connection: &Connection, name: &str) -> Option<T> {
    let interface = InterfaceName::from_static_str_unchecked("io.github.oathbridge.OathBridge1.Manager");
    let asking = async {
        let proxy = PropertiesProxy::builder(connection).destination(names::BUS).path(names::ROOT).build();
        proxy.await.ok()?.get(interface, name).await.ok()
    };
    T::try_from(asking.await?).ok()
}
