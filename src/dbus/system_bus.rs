//! The connections to the system bus, which every local user can send messages to.

use std::sync::Arc;

use tokio::sync::Semaphore;
use zbus::Connection;
use zbus::address::Address;

use super::descriptors::Closers;
use super::inbound::{self, Hearing};

/// The number of descriptors that are held or wait to be closed: few, because one at a time is asked for.
const MAX_HELD: usize = 64;

/// Connects to the system bus. Clones share the threads that close descriptors.
#[derive(Clone, Debug)]
pub struct SystemBus {
    closers: Closers,
    /// The place of the one thread that connects.
    connecting: Arc<Semaphore>,
}

impl Default for SystemBus {
    fn default() -> Self {
        // Not those of the session bus, so that other users cannot use up their limit.
        Self { closers: Closers::with_limit(MAX_HELD), connecting: Arc::new(Semaphore::new(1)) }
    }
}

impl SystemBus {
    /// A connection for signals and for calls whose replies bring no descriptor. The bus passes no descriptor to it.
    ///
    /// # Errors
    ///
    /// The system bus is not reachable.
    pub async fn listen(&self) -> zbus::Result<Connection> {
        self.connect(Address::system()?, Hearing::SIGNALS).await
    }

    /// Whether the error of [`SystemBus::listen`] says that there is no bus: connect(2) finds no socket, or none that a
    /// program listens at. After it is connected, a stream socket has neither error.
    pub fn is_missing(error: &zbus::Error) -> bool {
        use std::io::ErrorKind::{ConnectionRefused, NotFound};
        matches!(error, zbus::Error::InputOutput(error) if matches!(error.kind(), NotFound | ConnectionRefused))
    }

    /// A connection for one call whose reply brings a descriptor. It hears nothing else, and is closed afterwards. The bus
    /// passes it descriptors of other users, which it drops.
    ///
    /// # Errors
    ///
    /// Like [`SystemBus::listen`].
    pub async fn ask(&self) -> zbus::Result<Connection> {
        self.connect(Address::system()?, Hearing::REPLIES).await
    }

    async fn connect(&self, bus: Address, hearing: Hearing) -> zbus::Result<Connection> {
        let closers = self.closers.clone();
        // connect(2) waits while the queue of a busy bus is full, also after the caller has given up. So an attempt waits for
        // the thread of the one before, and a bus that hangs keeps one thread only.
        let place = Arc::clone(&self.connecting).acquire_owned().await;
        let connecting = move || {
            let _place = place;
            inbound::selective(bus, &closers, hearing)
        };
        let builder = tokio::task::spawn_blocking(connecting).await;
        builder.map_err(|error| zbus::Error::Failure(error.to_string()))??.build().await
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::iter::from_fn;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::thread;
    use std::time::Duration;

    use futures_util::{FutureExt, StreamExt};
    use rustix::net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
    };
    use testkit::bus::PrivateBus;
    use tokio::time::timeout;
    use zbus::message::{Message, Type};
    use zbus::{Fd, MessageStream, connection, fdo};

    use super::*;

    /// The limit of waits that only a failure reaches.
    const LIMIT: Duration = Duration::from_secs(60);

    fn descriptor() -> Fd<'static> {
        Fd::from(OwnedFd::from(std::io::pipe().unwrap().0))
    }

    /// The kinds of what `connection` hears of a stranger's call and signals, with and without descriptors.
    async fn heard(bus: &PrivateBus, connection: &Connection) -> Vec<(Type, usize)> {
        let stranger = connection::Builder::address(bus.address()).build().await.unwrap();
        let mut stream = MessageStream::from(connection);
        let name = connection.unique_name().unwrap().clone();
        let signal = || Message::signal("/", "com.example.Noise", "Noise").destination(name.clone());
        stranger.send(&signal().build(&()).unwrap()).await.unwrap();
        stranger.send(&signal().build(&descriptor()).unwrap()).await.unwrap();
        let call = Message::method_call("/", "Noise").destination(name.clone()).build(&()).unwrap();
        stranger.send(&call).await.unwrap();
        // A round trip of both: everything has arrived.
        for connection in [&stranger, connection] {
            fdo::DBusProxy::new(connection).await.unwrap().get_id().await.unwrap();
        }
        let mut heard = Vec::new();
        while let Some(Some(Ok(message))) = stream.next().now_or_never() {
            let is_strange = message.header().sender().map(|name| name.as_str().to_owned())
                == stranger.unique_name().map(ToString::to_string);
            if is_strange {
                heard.push((message.message_type(), message.data().fds().len()));
            }
        }
        heard
    }

    #[tokio::test]
    async fn no_descriptor_of_a_stranger_arrives() {
        let bus = PrivateBus::start().unwrap();
        let system = SystemBus::default();
        let address = || Address::try_from(bus.address()).unwrap();
        let listening = system.connect(address(), Hearing::SIGNALS).await.unwrap();
        assert_eq!(heard(&bus, &listening).await, [(Type::Signal, 0)]);
        let asking = system.connect(address(), Hearing::REPLIES).await.unwrap();
        assert_eq!(heard(&bus, &asking).await, []);
    }

    /// Answers one call with a descriptor.
    async fn answer(service: Connection) {
        let mut stream = MessageStream::from(&service);
        while let Some(Ok(message)) = stream.next().await {
            if message.message_type() == Type::MethodCall {
                service.reply(&message.header(), &descriptor()).await.unwrap();
                return;
            }
        }
    }

    #[tokio::test]
    async fn a_reply_brings_its_descriptor_also_while_others_hang() {
        let bus = PrivateBus::start().unwrap();
        let service = connection::Builder::address(bus.address()).build().await.unwrap();
        let name = service.unique_name().unwrap().clone();
        let address = Address::try_from(bus.address()).unwrap();
        let system = SystemBus::default();
        // They are held by this test, as by a file system that hangs.
        for _ in 0..MAX_HELD {
            system.closers.count(&"strangers".into());
        }
        let asking = system.connect(address, Hearing::REPLIES).await.unwrap();
        let answering = tokio::spawn(answer(service));
        let reply = asking.call_method(Some(name), "/", Some("com.example.Test"), "Ask", &()).await.unwrap();
        assert_eq!(reply.data().fds().len(), 1);
        answering.await.unwrap();
    }

    fn stream(flags: SocketFlags) -> OwnedFd {
        socket_with(AddressFamily::UNIX, SocketType::STREAM, flags | SocketFlags::CLOEXEC, None).unwrap()
    }

    /// The number of connections before one that brings a byte. Each other one is closed by its program.
    fn accepted(bus: &UnixListener) -> usize {
        let bytes = from_fn(|| {
            let mut bytes = Vec::new();
            let mut connection = bus.accept().unwrap().0;
            connection.set_read_timeout(Some(LIMIT)).unwrap();
            connection.read_to_end(&mut bytes).unwrap();
            bytes.is_empty().then_some(())
        });
        bytes.count()
    }

    /// connect(2) waits for a bus whose queue is full, also when its caller waits no longer.
    #[test]
    fn attempts_that_were_given_up_leave_one_thread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        let (bus, place) = (stream(SocketFlags::empty()), SocketAddrUnix::new(&path).unwrap());
        bind(&bus, &place).unwrap();
        listen(&bus, 0).unwrap();
        let connected = || {
            let one = stream(SocketFlags::NONBLOCK);
            connect(&one, &place).ok().map(|()| one)
        };
        let queue: Vec<_> = from_fn(connected).collect();
        let queued = queue.len();
        drop(queue);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let system = SystemBus::default();
        runtime.block_on(async {
            for _ in 0..3 {
                let address = format!("unix:path={}", path.display()).parse().unwrap();
                assert!(system.connect(address, Hearing::SIGNALS).now_or_never().is_none());
            }
        });
        assert_eq!(system.connecting.available_permits(), 0, "the thread of the first attempt has the place");
        let accepting = thread::spawn(move || accepted(&bus.into()));
        let place = runtime.block_on(async { timeout(LIMIT, system.connecting.acquire()).await });
        place.expect("the thread gives its place back").unwrap().forget();
        // This waits for the threads.
        runtime.shutdown_timeout(LIMIT);
        UnixStream::connect(&path).unwrap().write_all(b"!").unwrap();
        assert_eq!(accepting.join().unwrap(), queued + 1);
    }
}
