//! `hid-watch keyboard|fido`: prints a line for each report of the HID transport, and the result of each command on standard
//! input: `exchange`, `wait` (for a report that the device sends), `lengths` and `lock`.

mod commands;

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use oathbridge::device::{DeviceId, HidKind, Presence, Transport};
use oathbridge::transport::hid::HidTransport;

const USAGE: &str = "usage: hid-watch keyboard|fido";

fn main() -> Result<(), Box<dyn Error>> {
    let kind = match std::env::args().nth(1).as_deref() {
        Some("keyboard") => HidKind::Keyboard,
        Some("fido") => HidKind::Fido,
        _ => return Err(USAGE.into()),
    };
    let transport = Arc::new(HidTransport::new());
    transport.look_for(&[kind]);
    let attached = Arc::new(Mutex::new(None::<DeviceId>));
    let watch = {
        let (transport, attached) = (Arc::clone(&transport), Arc::clone(&attached));
        move || {
            transport.watch(&mut |presence| {
                let line = line(&presence);
                let first = presence.devices.into_iter().next().map(|device| device.id);
                *attached.lock().unwrap_or_else(PoisonError::into_inner) = first;
                // After the change, so that a command that follows the line sees the device.
                println!("{line}");
                true
            });
        }
    };
    let monitor = thread::spawn(watch);
    for command in io::stdin().lines() {
        // After the report of each change that happened before the command.
        transport.rescan();
        let device = attached.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let result = device.map(|device| commands::run(&*transport, &device, kind, command?.trim()));
        match result.transpose() {
            Ok(Some(text)) => println!("{text}"),
            Ok(None) => println!("no device"),
            Err(error) => println!("error: {error}"),
        }
    }
    transport.stop();
    monitor.join().map_err(|_| "the monitor thread has panicked")?;
    Ok(())
}

/// The names and insertions of the devices, and the problems.
fn line(presence: &Presence) -> String {
    let devices: Vec<_> = presence.devices.iter().map(|device| device.id.to_string()).collect();
    let problems: Vec<_> = presence.problems.iter().map(ToString::to_string).collect();
    let problems = if problems.is_empty() { "no problem".to_owned() } else { problems.join(", ") };
    format!(
        "attached: {}; {problems}",
        if devices.is_empty() { "nothing".to_owned() } else { devices.join(", ") }
    )
}
