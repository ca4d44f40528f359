//! A daemon that is stopped while it starts.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use super::*;

#[tokio::test]
async fn a_daemon_that_starts_can_be_stopped() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let socket = folder.path().join("silent");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let mut parts = world.parts(world.transport.clone());
    parts.bus = format!("unix:path={}", socket.display()).parse().unwrap();
    soon(run(parts, async {})).await.unwrap();
}

/// Ends when it is polled for this time.
async fn at_poll(mut number: u32) {
    poll_fn(|_| {
        number -= 1;
        if number == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// The objects refer to the connection, so it does not end with the future that starts the daemon.
#[tokio::test]
async fn a_start_that_is_stopped_at_any_point_leaves_no_connection() {
    let world = World::new();
    let client = Client::connect(world.bus.address()).await.unwrap();
    let connection = world.client().await;
    let bus = fdo::DBusProxy::new(&connection).await.unwrap();
    let others = bus.list_names().await.unwrap().len();
    let has_name = Cell::new(false);
    for poll in 1.. {
        let stop = async {
            tokio::select! {
                () = at_poll(poll) => {}
                named = client.wait_for_name(true) => has_name.set(named.is_ok()),
            }
        };
        // The end of a daemon stops its transport for good.
        let transport = Arc::new(VirtualTransport::new(&[]));
        soon(run(world.parts(transport), stop)).await.unwrap();
        soon(async { while bus.list_names().await.unwrap().len() > others {} }).await;
        if has_name.get() {
            assert!(poll > 1, "the first poll of a start ends it before it has the name");
            break;
        }
    }
}
