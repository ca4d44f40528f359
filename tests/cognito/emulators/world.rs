//! An emulator with an account for each scenario, and a daemon with tokens with the seeds.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use oathbridge::clock::Clock;
use oathbridge::dbus::names::ROOT;
use testkit::client::{Extra, Options, Refusal};
use testkit::scenario;
use zbus::ObjectPath;

use super::account::{Account, App, Challenge};
use super::api::Api;
use super::scenarios::Scenario;
use super::server::{Emulator, Server};

/// A seed that no user has.
const OTHER: &[u8] = b"nobody has this seed";

/// One attempt, so that the first response of the emulator is visible.
const CONFIG: &str = "[pcsc]\nenabled = false\n[limits]\nsubmissions_per_minute = 1000\n[cognito]\nmax_attempts = 1\n\
                      min_seconds_left = 0\n";

pub(crate) struct World {
    pub(crate) api: Api,
    server: Server,
    accounts: BTreeMap<&'static str, Account>,
    daemon: scenario::World,
    calls: AtomicUsize,
}

/// The account, credentials and client of a scenario.
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a World,
    pub(crate) account: &'a Account,
    profile: &'static str,
    /// The credential with the user's seed.
    pub(crate) right: String,
    /// A credential with another seed.
    pub(crate) wrong: String,
}

impl World {
    pub(crate) async fn new(emulator: Emulator, scenarios: &[Scenario]) -> Self {
        // The tokens of the emulators are issued by the system's clock.
        let begins = scenario::today();
        let server = Server::start(emulator, begins);
        let api = Api(server.address());
        let mut accounts = BTreeMap::new();
        let (mut right, mut wrong) =
            ("[[token]]\nserial = 1\n".to_owned(), "[[token]]\nserial = 2\n".to_owned());
        let mut config = CONFIG.to_owned();
        for scenario in scenarios {
            let account = Account::open(api, scenario.user, begins / 30);
            let (id, seed) = (scenario.id, BASE32_NOPAD.encode(&account.seed));
            let other = BASE32_NOPAD.encode(&[OTHER, id.as_bytes()].concat());
            writeln!(right, "[[token.credential]]\nissuer = 'right'\naccount = '{id}'\nseed = '{seed}'")
                .unwrap();
            writeln!(wrong, "[[token.credential]]\nissuer = 'wrong'\naccount = '{id}'\nseed = '{other}'")
                .unwrap();
            writeln!(
                config,
                "[profiles.{id}]\nregion = 'eu-central-1'\nendpoint_url = 'http://{}'\nuser_pool_id = '{}'\n\
                 client_id = '{}'",
                api.0, account.pool, account.app.id
            )
            .unwrap();
            accounts.insert(id, account);
        }
        let daemon =
            scenario::Scenario::inside().at(begins).virtual_tokens(&(right + &wrong)).config(&config);
        let (daemon, calls) = (daemon.start().await.unwrap(), AtomicUsize::new(0));
        // A token whose reading has not ended when the clock is advanced counts as hanging.
        let (found, _) = daemon.client.find(&[]).await.unwrap();
        assert_eq!(found.len(), 2 * scenarios.len());
        Self { api, server, accounts, daemon, calls }
    }

    /// To the next time step: with moto all accounts have one seed, and the daemon sends no code twice in one, whatever
    /// the pool.
    pub(crate) fn go_on(&self) {
        let clock = self.daemon.clock().unwrap();
        clock.advance(Duration::from_secs(30));
        self.server.set_clock(clock.unix_time().as_secs());
    }

    /// The time step that the daemon and the emulator are in.
    pub(crate) fn step(&self) -> u64 {
        self.daemon.step().unwrap()
    }

    pub(crate) async fn scene(&self, scenario: &Scenario) -> Scene<'_> {
        let id = scenario.id;
        let find = async |issuer| {
            let (found, _) = self.daemon.client.find(&[("issuer", issuer), ("account", id)]).await.unwrap();
            found[0].clone()
        };
        let (right, wrong) = (find("right").await, find("wrong").await);
        Scene { world: self, account: &self.accounts[id], profile: id, right, wrong }
    }
}

impl Scene<'_> {
    /// The options of a call.
    fn options(&self) -> (String, Options<'static>) {
        let handle = format!("call{}", self.world.calls.fetch_add(1, Ordering::Relaxed));
        let options = [("profile", self.profile.into()), ("handle-token", handle.clone().into())];
        (handle, options.into())
    }

    /// `VerifySoftwareToken` through the daemon: the next session, or the error.
    pub(crate) async fn verify(&self, credential: &str, by: (&'static str, &str)) -> Result<String, String> {
        let (handle, mut options) = self.options();
        options.insert(by.0, by.1.to_owned().into());
        options.insert("friendly-device-name", "My key".into());
        match self.world.daemon.client.verify(credential, options).await {
            Ok(verified) => Ok(verified.session),
            Err(refusal) => {
                assert!(!refusal.sentence.contains(by.1), "the sentence has a secret: {}", refusal.sentence);
                Err(self.describe(&refusal, &handle).await)
            }
        }
    }

    /// `RespondToMfaChallenge` through the daemon, with further options: the outcome as a word.
    pub(crate) async fn respond(
        &self,
        credential: &str,
        challenge: &Challenge,
        app: &App,
        more: Options<'static>,
    ) -> String {
        let (handle, mut options) = self.options();
        let parameters: HashMap<String, String> =
            serde_json::from_value(challenge.parameters.clone()).unwrap_or_default();
        options.extend([
            ("challenge-name", challenge.name.clone().into()),
            ("session", challenge.session.clone().into()),
            ("username", self.account.user.clone().into()),
            ("challenge-parameters", parameters.into()),
            ("client-id", app.id.clone().into()),
        ]);
        options.extend(more);
        let body = (ObjectPath::try_from(credential).unwrap(), options);
        let reply: Result<Extra, Refusal> =
            self.world.daemon.client.call(ROOT, "Cognito", "RespondToMfaChallenge", &body).await;
        match reply {
            Ok(result) if result.contains_key("authentication-result") => "tokens".to_owned(),
            Ok(result) if result.contains_key("challenge-name") => "another challenge".to_owned(),
            Ok(_) => "nothing".to_owned(),
            Err(refusal) => self.describe(&refusal, &handle).await,
        }
    }

    /// The name of the error, and the emulator's name for it.
    async fn describe(&self, refusal: &Refusal, handle: &str) -> String {
        let name = self.world.daemon.client.connection().unique_name().unwrap();
        let caller = name.trim_start_matches(':').replace('.', "_");
        let path = format!("{ROOT}/operations/{caller}/{handle}");
        let result: Result<Extra, Refusal> =
            self.world.daemon.client.call(&path, "Operation", "GetResult", &()).await;
        let code = result.ok().and_then(|mut result| String::try_from(result.remove("aws-code")?).ok());
        let name = refusal.name.rsplit("Error.").next().unwrap();
        code.map_or(name.to_owned(), |code| format!("{name} ({code})"))
    }
}
