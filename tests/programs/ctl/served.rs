//! A service of the desktop on the bus of a rig.

use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;
use zbus::connection::Builder;

/// A service, until this is dropped. Its thread serves the bus while the thread of the test waits for the tool.
pub(super) struct Served(Option<oneshot::Sender<()>>, Option<thread::JoinHandle<()>>);

impl Served {
    /// `objects` adds the objects of the service.
    pub(super) fn start(
        address: &str,
        name: &'static str,
        objects: impl FnOnce(Builder<'static>) -> Builder<'static> + Send + 'static,
    ) -> Self {
        let (up, is_up) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let address = address.to_owned();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let builder = objects(Builder::address(address.as_str()));
                let _connection = builder.name(name).build().await.unwrap();
                up.send(()).unwrap();
                // An error means that the sender was dropped.
                let _ = stopped.await;
            });
        });
        is_up.recv().unwrap();
        Self(Some(stop), Some(thread))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.0.take());
        let joined = self.1.take().map(thread::JoinHandle::join);
        assert!(thread::panicking() || matches!(joined, Some(Ok(()))));
    }
}
