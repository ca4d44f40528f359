use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::device::NoProgress;
use crate::iso7816::{Aid, Status};
use crate::virt::{Fault, TouchPolicy, parse};

/// A timeout that only a failing test reaches.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

fn tokens(text: &str) -> VirtualTransport {
    VirtualTransport::new(&parse(text).unwrap())
}

/// One token with the HOTP credential `h` and the TOTP credential `t`, which wants a touch.
fn one() -> (VirtualTransport, VirtualToken) {
    let transport = tokens(
        "[[token]]\nserial = 7\ntouch = 'never'\n\
         [[token.credential]]\naccount = 'h'\ntype = 'hotp'\nseed = 'me'\n\
         [[token.credential]]\naccount = 't'\ntouch = true\nseed = 'me'\n",
    );
    let token = transport.token(7).unwrap();
    (transport, token)
}

fn open(transport: &VirtualTransport) -> Box<dyn Device> {
    let id = transport.presence().devices[0].id.clone();
    let Opened::Apdu(device) = transport.open(&id).unwrap() else { panic!("a token exchanges APDUs") };
    device
}

fn calculate(name: u8, challenge: &[u8]) -> Command {
    let length = u8::try_from(challenge.len()).unwrap();
    Command::new(0xa2, 0, 1, [&[0x71, 1, name, 0x74, length], challenge].concat()).unwrap()
}

/// SELECT and one command, in a transaction.
fn ask(device: &mut dyn Device, command: &Command, progress: &dyn Progress) -> Result<Status, Error> {
    let mut transaction = device.transaction()?;
    transaction.transmit(&Aid::OATH.select(), progress)?;
    Ok(transaction.transmit(command, progress)?.status)
}

fn watch(transport: &VirtualTransport, reports: &UnboundedSender<Presence>) {
    transport.watch(&mut |presence| reports.send(presence).is_ok());
}

fn wait_until_queued<T>(token: &VirtualToken, thread: &ScopedJoinHandle<'_, T>) {
    while token.queued() == 0 {
        assert!(!thread.is_finished(), "it didn't wait");
        thread::yield_now();
    }
}

fn names(reports: &mut UnboundedReceiver<Presence>) -> Vec<String> {
    let presence = reports.blocking_recv().unwrap();
    assert!(presence.devices.iter().all(|attachment| attachment.is_virtual));
    presence.devices.iter().map(|attachment| attachment.id.to_string()).collect()
}

#[derive(Default)]
struct Asked(AtomicBool);

impl Progress for Asked {
    fn touch_needed(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

#[test]
fn what_is_plugged_in_is_reported_as_a_whole() {
    let transport = tokens("[[token]]\nserial = 1\n[[token]]\nserial = 2");
    let (sender, mut reports) = unbounded_channel();
    thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&transport, &sender));
        assert_eq!(names(&mut reports), ["Virtual YubiKey 1 #1", "Virtual YubiKey 2 #1"]);
        let first = transport.token(1).unwrap();
        first.unplug();
        assert_eq!(names(&mut reports), ["Virtual YubiKey 2 #1"]);
        first.plug();
        assert_eq!(names(&mut reports), ["Virtual YubiKey 1 #2", "Virtual YubiKey 2 #1"]);
        first.touch();
        transport.stop();
        watcher.join().unwrap();
    });
    assert!(reports.try_recv().is_err(), "a touch is no change of what is plugged in");
    watch(&transport, &sender);
    assert!(reports.try_recv().is_err(), "stopped is stopped");
}

#[test]
fn a_watcher_ends_when_nobody_listens() {
    let (transport, _) = one();
    transport.watch(&mut |_| false);
}

#[test]
fn it_tells_who_it_is() {
    let (transport, token) = one();
    let attachment = transport.presence().devices[0].clone();
    let id = attachment.id.clone();
    let identity = transport.identify(&attachment).unwrap();
    assert_eq!((identity.serial.as_deref(), identity.firmware.as_deref()), (Some("7"), Some("5.4.3")));
    token.unplug();
    assert_eq!(transport.identify(&attachment), None);
    assert_eq!(transport.open(&id).err(), Some(Error::Removed));
    token.plug();
    assert_eq!(transport.open(&id).err(), Some(Error::Removed), "that was another insertion");
}

#[test]
fn commands_are_answered_and_counted() {
    let (transport, token) = one();
    let mut device = open(&transport);
    assert_eq!(ask(&mut *device, &calculate(b'h', &[]), &NoProgress), Ok(Status::OK));
    assert_eq!(token.log(), [[0x00, 0xa4, 0x04, 0x00], [0x00, 0xa2, 0x00, 0x01]]);
    assert_eq!((token.count(0xa2), token.hotp_counter("h")), (1, Some(1)));
}

#[test]
fn a_second_transaction_waits_for_the_first() {
    let (transport, token) = one();
    let (mut one, mut two) = (open(&transport), open(&transport));
    thread::scope(|scope| {
        let mut first = one.transaction().unwrap();
        let second = scope.spawn(|| ask(&mut *two, &calculate(b'h', &[]), &NoProgress));
        wait_until_queued(&token, &second);
        first.transmit(&Aid::PIV.select(), &NoProgress).unwrap();
        assert_eq!(token.log().len(), 1);
        drop(first);
        assert_eq!(second.join().unwrap(), Ok(Status::OK));
    });
}

#[test]
fn a_touch_ends_the_wait() {
    let (transport, token) = one();
    let mut device = open(&transport);
    let asked = Asked::default();
    thread::scope(|scope| {
        let exchange = scope.spawn(|| ask(&mut *device, &calculate(b't', &[0; 8]), &asked));
        assert!(token.wait_until_it_wants_a_touch(TEST_TIMEOUT));
        token.touch();
        assert_eq!(exchange.join().unwrap(), Ok(Status::OK));
    });
    assert!(asked.0.load(Ordering::SeqCst));
}

#[test]
fn nobody_touches_it() {
    let (transport, token) = one();
    token.set_touch_timeout(Duration::from_millis(1));
    token.touch(); // Lost: nothing waits for it yet.
    let mut device = open(&transport);
    assert_eq!(ask(&mut *device, &calculate(b't', &[0; 8]), &NoProgress), Ok(Status(0x6982)));
    assert!(!token.wait_until_it_wants_a_touch(Duration::ZERO));
    token.set_touch_policy(TouchPolicy::AfterSeconds(Duration::ZERO));
    assert_eq!(ask(&mut *device, &calculate(b't', &[0; 8]), &NoProgress), Ok(Status::OK));
}

#[test]
fn pulling_it_out_ends_every_wait() {
    let (transport, token) = one();
    let mut device = open(&transport);
    let mut other = open(&transport);
    thread::scope(|scope| {
        let touch = scope.spawn(|| ask(&mut *device, &calculate(b't', &[0; 8]), &NoProgress));
        assert!(token.wait_until_it_wants_a_touch(TEST_TIMEOUT));
        let queued = scope.spawn(|| other.transaction().err());
        wait_until_queued(&token, &queued);
        token.unplug();
        assert_eq!(touch.join().unwrap(), Err(Error::Removed));
        assert_eq!(queued.join().unwrap(), Some(Error::Removed));
    });
    token.plug();
    assert_eq!(device.transaction().err(), Some(Error::Removed), "a handle is good for one insertion");
    assert_eq!(ask(&mut *open(&transport), &calculate(b'h', &[]), &NoProgress), Ok(Status::OK));
}

#[test]
fn a_slow_token_is_pulled_out() {
    let (transport, token) = one();
    token.set_delay(TEST_TIMEOUT);
    let mut device = open(&transport);
    thread::scope(|scope| {
        let exchange = scope.spawn(|| ask(&mut *device, &calculate(b'h', &[]), &NoProgress));
        while token.log().is_empty() {
            thread::yield_now();
        }
        token.unplug();
        assert_eq!(exchange.join().unwrap(), Err(Error::Removed));
    });
}

#[test]
fn faults_come_in_order_and_go() {
    let (transport, token) = one();
    let mut device = open(&transport);
    token.fail_next(Fault::Answer(vec![0x01, 0x02, 0x6f, 0x00]));
    token.fail_next(Fault::Answer(vec![0x42]));
    token.fail_next(Fault::Vanish);
    let mut transaction = device.transaction().unwrap();
    let answer = transaction.transmit(&Aid::OATH.select(), &NoProgress).unwrap();
    assert_eq!((answer.data.as_slice(), answer.status), (&[1, 2][..], Status(0x6f00)));
    assert!(matches!(transaction.transmit(&Aid::OATH.select(), &NoProgress), Err(Error::Failed(_))));
    assert_eq!(transaction.transmit(&Aid::OATH.select(), &NoProgress), Err(Error::Removed));
    drop(transaction);
    assert!(transport.presence().devices.is_empty());
    token.plug();
    assert_eq!(ask(&mut *open(&transport), &calculate(b'h', &[]), &NoProgress), Ok(Status::OK));
}

#[test]
fn a_hanging_token_answers_nothing_until_it_is_pulled_out() {
    let (transport, token) = one();
    token.fail_next(Fault::Hang);
    let mut device = open(&transport);
    let (sender, answers) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            sender.send(ask(&mut *device, &calculate(b'h', &[]), &NoProgress)).unwrap();
        });
        while token.log().is_empty() {
            thread::yield_now();
        }
        token.set_delay(Duration::ZERO);
        token.touch();
        assert!(answers.try_recv().is_err());
        token.unplug();
        assert_eq!(answers.recv_timeout(TEST_TIMEOUT), Ok(Err(Error::Removed)));
    });
}
