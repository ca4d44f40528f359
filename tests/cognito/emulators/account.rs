//! An account for a scenario: a user pool with one user, whose seed is on the token.

use data_encoding::{BASE32_NOPAD, BASE64};
use oathbridge::otp::{Algorithm, Code, Digits, Step, truncate};
use serde_json::{Value, json};

use super::api::Api;

const TEMPORARY: &str = "Temporary-1";
const PASSWORD: &str = "Open-sesame-2";

/// The state of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Has never signed in, in a pool that requires a second factor.
    New,
    /// Has a seed.
    Associated,
    /// Has verified the seed, and signs in with codes.
    Enrolled,
    /// Signs in with codes or text messages.
    Choice,
}

/// An app client.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) pool: String,
    pub(crate) app: App,
    /// An app client with a secret.
    pub(crate) secretive: App,
    pub(crate) user: String,
    pub(crate) seed: Vec<u8>,
    /// Empty for a new user.
    pub(crate) access_token: String,
    /// The session of a new user's first sign-in; empty otherwise.
    pub(crate) session: String,
}

/// A challenge of a sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    pub(crate) name: String,
    pub(crate) session: String,
    pub(crate) parameters: Value,
}

impl Account {
    /// Each account has its own pool: with moto all accounts have one seed, and the daemon sends no code twice to a pool.
    pub(crate) fn open(api: Api, stage: Stage, step: u64) -> Self {
        let pool = api.must("CreateUserPool", &json!({"PoolName": "pool"}));
        let pool = pool["UserPool"]["Id"].as_str().unwrap().to_owned();
        let wanted = if stage == Stage::New { "ON" } else { "OPTIONAL" };
        let mfa = json!({
            "UserPoolId": pool, "MfaConfiguration": wanted, "SoftwareTokenMfaConfiguration": {"Enabled": true},
        });
        api.must("SetUserPoolMfaConfig", &mfa);
        let user = "alice@example.com".to_owned();
        let attributes =
            json!([{"Name": "email", "Value": user}, {"Name": "phone_number", "Value": "+4930123456"}]);
        let new = json!({
            "UserPoolId": pool, "Username": user, "TemporaryPassword": TEMPORARY, "MessageAction": "SUPPRESS",
            "UserAttributes": attributes,
        });
        api.must("AdminCreateUser", &new);
        let (app, secretive) = (App::new(api, &pool, false), App::new(api, &pool, true));
        let (seed, access_token, session) = Default::default();
        let mut account = Self { pool, app, secretive, user, seed, access_token, session };
        match stage {
            Stage::New => account.sign_in_first(api),
            Stage::Associated | Stage::Enrolled | Stage::Choice => account.associate(api),
        }
        if matches!(stage, Stage::Enrolled | Stage::Choice) {
            account.enrol(api, stage == Stage::Choice, step);
        }
        account
    }

    /// Begins a new user's sign-in, up to the session of AssociateSoftwareToken. Where there is none, the last
    /// session before has to do, and any seed.
    fn sign_in_first(&mut self, api: Api) {
        let first = Challenge::of(&api.must("InitiateAuth", &self.by_password(&self.app, TEMPORARY)));
        let answer = json!({
            "ClientId": self.app.id, "ChallengeName": first.name, "Session": first.session,
            "ChallengeResponses": {"USERNAME": self.user, "NEW_PASSWORD": PASSWORD},
        });
        let second = Challenge::of(&api.must("RespondToAuthChallenge", &answer));
        let last = if second.session.is_empty() { first.session } else { second.session };
        (self.seed, self.session) = match api.call("AssociateSoftwareToken", &json!({"Session": last})) {
            Ok(reply) => {
                (seed(reply["SecretCode"].as_str().unwrap()), reply["Session"].as_str().unwrap().to_owned())
            }
            Err(_) => (vec![0; 20], last),
        };
    }

    fn associate(&mut self, api: Api) {
        let permanent =
            json!({"UserPoolId": self.pool, "Username": self.user, "Password": PASSWORD, "Permanent": true});
        api.must("AdminSetUserPassword", &permanent);
        let tokens = api.must("InitiateAuth", &self.by_password(&self.app, PASSWORD));
        self.access_token = tokens["AuthenticationResult"]["AccessToken"].as_str().unwrap().to_owned();
        let associated = api.must("AssociateSoftwareToken", &json!({"AccessToken": self.access_token}));
        self.seed = seed(associated["SecretCode"].as_str().unwrap());
    }

    fn enrol(&self, api: Api, choice: bool, step: u64) {
        let code = code(&self.seed, step);
        api.must("VerifySoftwareToken", &json!({"AccessToken": self.access_token, "UserCode": code}));
        self.prefer(api, choice);
    }

    /// Signs in with codes from now on.
    pub(crate) fn prefer(&self, api: Api, choice: bool) {
        let mut preference = json!({
            "AccessToken": self.access_token,
            "SoftwareTokenMfaSettings": {"Enabled": true, "PreferredMfa": true},
        });
        if choice {
            preference["SMSMfaSettings"] = json!({"Enabled": true, "PreferredMfa": false});
        }
        api.must("SetUserMFAPreference", &preference);
    }

    /// Starts a sign-in and returns its challenge.
    pub(crate) fn sign_in(&self, api: Api, app: &App) -> Challenge {
        Challenge::of(&api.must("InitiateAuth", &self.by_password(app, PASSWORD)))
    }

    fn by_password(&self, app: &App, password: &str) -> Value {
        let mut parameters = json!({"USERNAME": self.user, "PASSWORD": password});
        if let Some(hash) = app.hash(&self.user) {
            parameters["SECRET_HASH"] = json!(hash);
        }
        json!({"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": app.id, "AuthParameters": parameters})
    }
}

impl App {
    fn new(api: Api, pool: &str, secret: bool) -> Self {
        let wanted = json!({
            "UserPoolId": pool, "ClientName": "app", "GenerateSecret": secret,
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        });
        let app = &api.must("CreateUserPoolClient", &wanted)["UserPoolClient"];
        let text = |name: &str| app[name].as_str().map(str::to_owned);
        Self { id: text("ClientId").unwrap(), secret: text("ClientSecret") }
    }

    /// `SECRET_HASH`.
    pub(crate) fn hash(&self, user: &str) -> Option<String> {
        let message = format!("{user}{}", self.id);
        let digest = |secret: &String| Algorithm::Sha256.hmac(secret.as_bytes(), message.as_bytes());
        self.secret.as_ref().map(|secret| BASE64.encode(&digest(secret)))
    }
}

impl Challenge {
    fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let parameters = answer["ChallengeParameters"].clone();
        Self { name: text("ChallengeName"), session: text("Session"), parameters }
    }
}

/// A seed from base32 like that of moto: lower-case letters, and a last letter with unused bits.
fn seed(text: &str) -> Vec<u8> {
    let mut loose = BASE32_NOPAD.specification();
    loose.check_trailing_bits = false;
    loose.encoding().unwrap().decode(text.to_uppercase().as_bytes()).unwrap()
}

/// The code of a step.
pub(crate) fn code(seed: &[u8], step: u64) -> String {
    let word = truncate(&Algorithm::Sha1.hmac(seed, &Step(step).challenge())).unwrap();
    Code::decimal(word, Digits::SIX).expose().to_owned()
}
