//! Makes one request: checks it, sends it once, and reads the response.

use std::fmt;
use std::sync::Arc;

use aws_sdk_cognitoidentityprovider as sdk;
use sdk::config::retry::RetryConfig;
use sdk::config::timeout::TimeoutConfig;
use sdk::config::{AppName, BehaviorVersion, Config};
use sdk::operation::verify_software_token::VerifySoftwareTokenOutput;
use sdk::types::VerifySoftwareTokenResponseType;

use super::classify::{answered, classify, unknown};
use super::exchange::Exchange;
use super::http::{Route, Unusable};
use super::{Authorization, Endpoint, Error, ErrorKind, Settings};
use crate::clock::Clock;
use crate::otp::Code;
use crate::secret::SecretText;

/// A client for one endpoint. It holds no connection: each request opens and closes its own.
pub struct Client {
    config: Config,
    route: Route,
    clock: Arc<dyn Clock>,
}

/// The outcome of a request, with or without a response.
#[derive(Debug)]
pub struct Answer<T> {
    /// The value or the error.
    pub result: Result<T, Error>,
    /// The id of the request in CloudTrail: a UUID.
    pub request_id: Option<String>,
    /// The seconds that the server's clock is ahead of ours, from its `Date` header; exact to about a second. Any server
    /// may have written it, so do not adjust a clock by it unless the server is AWS.
    pub clock_skew: Option<f64>,
}

impl<T> Answer<T> {
    pub(super) fn of(result: Result<T, Error>, exchange: &Exchange) -> Self {
        let head = exchange.head();
        Self {
            result,
            request_id: head.and_then(|head| head.request_id.clone()),
            clock_skew: head.and_then(|head| head.clock_skew),
        }
    }
}

/// VerifySoftwareToken's `SUCCESS`.
#[derive(Debug)]
pub struct Verified {
    /// The session to continue with, if the request had one.
    pub session: Option<SecretText>,
}

impl Client {
    /// A client for `endpoint`. Sends nothing yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for an endpoint with neither region nor URL, an endpoint URL together with FIPS
    /// or dual stack, and a proxy that is not an `http` or `https` URL.
    pub fn new(settings: &Settings, endpoint: &Endpoint, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let unusable = |Unusable(setting): Unusable| {
            tracing::warn!(setting, "unusable setting for Cognito");
            Error::unsent(ErrorKind::Config)
        };
        let config = config(settings, endpoint).map_err(unusable)?;
        let route = Route::new(settings, endpoint).map_err(unusable)?;
        Ok(Self { config, route, clock })
    }

    /// Submits a code of the user's software token with VerifySoftwareToken. At most one request is sent.
    ///
    /// An empty `device_name` is not sent. `Ok` means the API's `SUCCESS`. A caller that drops the future before it ends
    /// must treat the code as sent.
    ///
    /// # Errors
    ///
    /// In the answer: any [`ErrorKind`]; [`ErrorKind::InvalidParameter`] without a request if the code does not have six
    /// digits.
    pub async fn verify_software_token(
        &self,
        authorization: &Authorization,
        code: &Code,
        device_name: &str,
    ) -> Answer<Verified> {
        let exchange = Arc::new(Exchange::default());
        let result = self.verify(authorization, code, device_name, &exchange).await;
        Answer::of(result, &exchange)
    }

    async fn verify(
        &self,
        authorization: &Authorization,
        code: &Code,
        device_name: &str,
        exchange: &Arc<Exchange>,
    ) -> Result<Verified, Error> {
        if !code.is_six_digits() {
            return Err(Error::unsent(ErrorKind::InvalidParameter));
        }
        let request = self.connect(exchange)?.verify_software_token().user_code(code.expose());
        let request = match authorization {
            Authorization::AccessToken(token) => request.access_token(token.expose()),
            Authorization::Session(session) => request.session(session.expose()),
        };
        let device_name = (!device_name.is_empty()).then(|| device_name.to_owned());
        match request.set_friendly_device_name(device_name).send().await {
            Ok(output) => verified(output),
            Err(error) => Err(classify(&error, exchange)),
        }
    }

    pub(super) fn connect(&self, exchange: &Arc<Exchange>) -> Result<sdk::Client, Error> {
        let http = self.route.client(Arc::clone(exchange), Arc::clone(&self.clock));
        let http = http.ok_or_else(|| Error::unsent(ErrorKind::Config))?;
        Ok(sdk::Client::from_conf(self.config.to_builder().http_client(http).build()))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings contain the proxy's password.
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

fn config(settings: &Settings, endpoint: &Endpoint) -> Result<Config, Unusable> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(settings.connect_timeout)
        .operation_timeout(settings.request_timeout)
        .operation_attempt_timeout(settings.request_timeout)
        .build();
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .use_fips(settings.fips)
        .use_dual_stack(settings.dual_stack);
    config.set_app_name(AppName::new("oathbridge").ok());
    match (&endpoint.url, endpoint.region) {
        (None, None) => return Err(Unusable("region")),
        (Some(_), _) if settings.fips => return Err(Unusable("fips")),
        (Some(_), _) if settings.dual_stack => return Err(Unusable("dual_stack")),
        (url, region) => {
            config.set_endpoint_url(url.as_ref().map(|url| url.as_str().to_owned()));
            config.set_region(region.map(|region| sdk::config::Region::from_static(region.as_str())));
        }
    }
    Ok(config.build())
}

/// Success requires the status `SUCCESS`; HTTP 200 alone is not enough.
fn verified(output: VerifySoftwareTokenOutput) -> Result<Verified, Error> {
    match output.status {
        Some(VerifySoftwareTokenResponseType::Success) => {
            Ok(Verified { session: output.session.map(SecretText::new) })
        }
        Some(VerifySoftwareTokenResponseType::Error) => Err(answered(ErrorKind::CodeMismatch)),
        _ => Err(unknown(ErrorKind::OutcomeUnknown)),
    }
}
