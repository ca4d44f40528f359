//! What happens between VERIFY PIN, which waits for a touch, and the command that uses its authorisation.

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::{Fault, FidoFault, TouchPolicy};
use testkit::client::{Event, Options, Refusal};
use tokio::task::JoinHandle;

use super::{Bench, CALCULATE, LIST, PIN, over_hid, over_pcsc};
use crate::nitrokey::{HANDLE, TIMEOUT, TOKEN};

type Call<T> = JoinHandle<Result<T, Refusal>>;

/// A call of `Calculate` whose PIN waits for a touch.
async fn waiting(bench: &Bench, account: &str) -> Call<String> {
    let credential = bench.credential(account).await;
    bench.key.set_touch_policy(TouchPolicy::Never);
    let client = bench.client().clone();
    let options =
        Options::from([("handle-token", HANDLE.into()), ("advance-counter", (account == "counter").into())]);
    let call =
        tokio::spawn(async move { client.calculate(&credential, options).await.map(|reply| reply.code) });
    wants_a_touch(bench).await;
    call
}

async fn wants_a_touch(bench: &Bench) {
    let key = bench.key.clone();
    let wanted = tokio::task::spawn_blocking(move || key.wait_until_it_wants_a_touch(TIMEOUT));
    assert!(wanted.await.unwrap());
}

/// The smart card goes on to wait for the touch, which then comes.
pub(super) async fn a_cancelled_call_advances_no_counter(bench: Bench) {
    bench.unlock().await;
    let call = waiting(&bench, "counter").await;
    let name = bench.client().connection().unique_name().unwrap().trim_start_matches(':').replace('.', "_");
    let operation = format!("{ROOT}/operations/{name}/{HANDLE}");
    assert!(bench.client().call::<_, bool>(&operation, "Operation", "Cancel", &()).await.unwrap());
    assert_eq!(call.await.unwrap().unwrap_err().name, "Cancelled");
    bench.key.touch();
    assert_eq!(bench.code("public").await.len(), 8);
    assert_eq!(bench.key.count(CALCULATE), 1, "that of the other credential");
    assert_eq!(bench.key.hotp_counter("counter"), Some(0));
}

pub(super) async fn a_wiped_pin_is_used_no_more(bench: Bench) {
    bench.unlock().await;
    let mut signals = bench.client().signals().await.unwrap();
    let call = waiting(&bench, "hidden").await;
    let touch = async {
        // The PIN was wiped when a later call of the same connection is answered.
        bench.client().problems().await.unwrap();
        bench.key.touch();
    };
    let (locked, ()) = tokio::join!(bench.client().call::<_, ()>(ROOT, "Manager", "LockAll", &()), touch);
    locked.unwrap();
    let asks = |event: &Event| event.value::<String>("Kind").as_deref() == Some("unlock");
    signals.until(asks).await.unwrap();
    assert_eq!(bench.key.count(CALCULATE), 0);
    call.abort();
}

/// Another program has deleted the credential.
#[testkit::test]
async fn a_credential_that_is_gone_is_hidden_until_the_next_unlock() {
    let bench = over_pcsc().await;
    bench.unlock().await;
    let call = waiting(&bench, "hidden").await;
    bench.key.fail_next(Fault::Answer(vec![0x6a, 0x82]));
    bench.key.touch();
    assert_eq!(call.await.unwrap().unwrap_err().name, "NoSuchCredential");
    assert_eq!(bench.found().await, (1, true));
}

#[testkit::test]
async fn a_list_whose_authorisation_is_used_up_is_no_list() {
    let bench = over_hid().await;
    bench.key.set_touch_policy(TouchPolicy::Never);
    let (client, token) = (bench.client().clone(), format!("{ROOT}/tokens/{TOKEN}"));
    let call: Call<()> = tokio::spawn(async move { client.unlock(&token, PIN).await });
    wants_a_touch(&bench).await;
    let lists = bench.key.count(LIST);
    bench.key.fail_next_fido(FidoFault::StrangerAfterwards);
    bench.key.touch();
    assert_eq!(call.await.unwrap().unwrap_err().name, "TokenBusy");
    assert_eq!(bench.found().await, (1, true));
    assert_eq!(bench.key.count(LIST), lists + 1, "it was not requested again");
}
