//! The API over plain HTTP: the calls of an administrator and of an app, and direct observations of an emulator.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// moto reads the region of an administrator's call from the signature, and does not check the signature.
const SIGNATURE: &str = "AWS4-HMAC-SHA256 Credential=none/20260101/eu-central-1/cognito-idp/aws4_request, \
                         SignedHeaders=host, Signature=none";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Api(pub(crate) SocketAddr);

impl Api {
    /// The response, or the name of the exception.
    pub(crate) fn call(self, operation: &str, body: &Value) -> Result<Value, String> {
        let reply = self.exchange(operation, &body.to_string());
        let body = reply.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
        let Some(body): Option<Value> = body else { panic!("{operation}: {reply}") };
        match body["__type"].as_str() {
            Some(name) => Err(name.rsplit('#').next().unwrap_or(name).to_owned()),
            None if reply.split(' ').nth(1) == Some("200") => Ok(body),
            None => panic!("{operation}: {reply}"),
        }
    }

    fn exchange(self, operation: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.0).unwrap();
        stream.set_read_timeout(Some(RESPONSE_TIMEOUT)).unwrap();
        // With HTTP/1.0 the response ends with the connection.
        let head = [
            "POST / HTTP/1.0".to_owned(),
            format!("Host: {}", self.0),
            format!("Authorization: {SIGNATURE}"),
            "Content-Type: application/x-amz-json-1.1".to_owned(),
            format!("X-Amz-Target: AWSCognitoIdentityProviderService.{operation}"),
            format!("Content-Length: {}\r\n\r\n", body.len()),
        ];
        stream.write_all((head.join("\r\n") + body).as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }

    /// A call that must succeed for the test to continue.
    pub(crate) fn must(self, operation: &str, body: &Value) -> Value {
        self.call(operation, body).unwrap_or_else(|name| panic!("{operation}: {name}"))
    }

    /// `RespondToAuthChallenge` with a code: the outcome as a word.
    pub(crate) fn answer_with_code(self, app: &str, session: &str, user: &str, code: &str) -> String {
        let answer = self.call(
            "RespondToAuthChallenge",
            &json!({
                "ClientId": app, "ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": session,
                "ChallengeResponses": {"USERNAME": user, "SOFTWARE_TOKEN_MFA_CODE": code},
            }),
        );
        what_came(&answer)
    }
}

/// `tokens`, the name of the next challenge, `nothing`, or the name of the exception.
pub(crate) fn what_came(answer: &Result<Value, String>) -> String {
    match answer {
        Ok(answer) if answer["AuthenticationResult"]["AccessToken"].is_string() => "tokens".to_owned(),
        Ok(answer) => answer["ChallengeName"].as_str().unwrap_or("nothing").to_owned(),
        Err(name) => name.clone(),
    }
}
