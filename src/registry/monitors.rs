//! The threads that watch the transports.

use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::message::Message;
use crate::device::Transport;
use crate::task::Task;

/// Starts a monitor thread for each transport. Returns one task for each thread, which ends with it.
pub(super) fn monitors(
    transports: &[Arc<dyn Transport>],
    messages: &mpsc::UnboundedSender<Message>,
) -> std::io::Result<Vec<Task>> {
    let start = |(place, transport): (usize, &Arc<dyn Transport>)| {
        let name = format!("monitor-{}", transport.name());
        let (transport, messages) = (Arc::clone(transport), messages.clone());
        let (alive, ended) = oneshot::channel::<()>();
        let watch = move || {
            let _alive = alive;
            transport.watch(&mut |presence| messages.send(Message::Presence(place, presence)).is_ok());
        };
        thread::Builder::new().name(name.clone()).spawn(watch)?;
        Ok(Task::new(name, async move { drop(ended.await) }))
    };
    transports.iter().enumerate().map(start).collect()
}
