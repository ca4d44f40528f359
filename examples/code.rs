//! Prints the code of an account: `cargo run --release --example code -- alice@example.com`.

use std::collections::HashMap;

use zbus::{Connection, OwnedObjectPath, OwnedVariant, proxy};

#[proxy(
    interface = "io.github.oathbridge.OathBridge1.Manager",
    default_service = "io.github.oathbridge.OathBridge1",
    default_path = "/io/github/oathbridge/OathBridge1"
)]
trait Manager {
    fn find_credentials(
        &self,
        attributes: HashMap<&str, &str>,
    ) -> zbus::Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>)>;
}

#[proxy(
    interface = "io.github.oathbridge.OathBridge1.Credential",
    default_service = "io.github.oathbridge.OathBridge1"
)]
trait Credential {
    fn calculate(
        &self,
        options: HashMap<&str, OwnedVariant>,
    ) -> zbus::Result<(String, u64, u64, HashMap<String, OwnedVariant>)>;

    #[zbus(property(emits_changed_signal = "const"))]
    fn touch_required(&self) -> zbus::Result<String>;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let account = std::env::args().nth(1).ok_or("pass the account, such as alice@example.com")?;
    let bus = Connection::session().await?;
    let attributes = HashMap::from([("account", account.as_str())]);
    let (found, locked) = ManagerProxy::new(&bus).await?.find_credentials(attributes).await?;
    let [path] = found.as_slice() else {
        return Err(format!("{} credentials match, {} tokens are locked", found.len(), locked.len()).into());
    };
    let credential = CredentialProxy::builder(&bus).path(path).build().await?;
    if credential.touch_required().await? == "yes" {
        eprintln!("Touch the token when it blinks.");
    }
    // Ten seconds give the user enough time to type the code.
    let options = HashMap::from([("min-validity", OwnedVariant::from(10_u32))]);
    let (code, _, valid_until, _) = credential.calculate(options).await?;
    println!("{code}, valid until {valid_until}");
    Ok(())
}
