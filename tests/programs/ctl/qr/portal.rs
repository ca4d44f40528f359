//! The part of a desktop's portal that takes pictures of the screen.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, ObjectPath, OwnedObjectPath, OwnedVariant, Variant, fdo, interface};

use super::Rig;
use crate::ctl::served::Served;

/// What the portal answers.
pub(super) enum Answer {
    /// The URI of this file, with its special characters escaped.
    Picture(PathBuf),
    Uri(String),
    /// This response, without a picture.
    Code(u32),
}

/// What the portal answers next, and the option `interactive` of each request.
#[derive(Clone)]
struct Screenshots(Arc<Mutex<(Answer, Vec<Option<bool>>)>>);

/// A portal on the bus of a rig.
pub(super) struct Portal {
    screenshots: Screenshots,
    _served: Served,
}

impl Portal {
    pub(super) fn start(rig: &Rig) -> Self {
        let screenshots = Screenshots(Arc::new(Mutex::new((Answer::Code(2), Vec::new()))));
        let object = screenshots.clone();
        let served = Served::start(rig.bus(), "org.freedesktop.portal.Desktop", |builder| {
            builder.serve_at("/org/freedesktop/portal/desktop", object)
        });
        Self { screenshots, _served: served }
    }

    pub(super) fn answers(&self, answer: Answer) {
        self.screenshots.0.lock().unwrap().0 = answer;
    }

    pub(super) fn interactive(&self) -> Vec<Option<bool>> {
        self.screenshots.0.lock().unwrap().1.clone()
    }
}

#[interface(name = "org.freedesktop.portal.Screenshot")]
impl Screenshots {
    async fn screenshot(
        &self,
        _parent_window: &str,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> fdo::Result<OwnedObjectPath> {
        // As xdg-desktop-portal does, which learns so whether the caller is in a sandbox.
        let bus = fdo::DBusProxy::new(connection).await?;
        let process = bus.get_connection_unix_process_id(header.sender().unwrap().clone().into()).await?;
        std::fs::read_dir(format!("/proc/{process}/root"))
            .map_err(|error| fdo::Error::AccessDenied(format!("Portal operation not allowed: {error}")))?;
        let text = |key: &str| options.get(key)?.downcast_ref::<String>().ok();
        let sender = header.sender().unwrap().trim_start_matches(':').replace('.', "_");
        let token = text("handle_token").unwrap();
        let path = format!("/org/freedesktop/portal/desktop/request/{sender}/{token}");
        let path = ObjectPath::try_from(path).unwrap();
        let is_interactive = options.get("interactive").and_then(|value| value.downcast_ref::<bool>().ok());
        let (code, results) = {
            let mut state = self.0.lock().unwrap();
            state.1.push(is_interactive);
            match &state.0 {
                Answer::Code(code) => (*code, HashMap::new()),
                Answer::Uri(uri) => (0, uri_of(uri)),
                Answer::Picture(path) => {
                    (0, uri_of(&format!("file://{}", path.display()).replace(' ', "%20")))
                }
            }
        };
        let emitter = SignalEmitter::new(connection, &path)?
            .set_destination(header.sender().unwrap().to_owned().into());
        emitter.emit("org.freedesktop.portal.Request", "Response", &(code, results)).await?;
        Ok(path.into())
    }
}

fn uri_of(uri: &str) -> HashMap<&'static str, Variant<'static>> {
    HashMap::from([("uri", Variant::from(uri.to_owned()))])
}
