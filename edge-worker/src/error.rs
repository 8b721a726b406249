//! What goes wrong on the way to an answer, and the problem document that the caller gets for it.

use crate::config::ConfigError;
use wakeline_edge_api::Problem;
use wakeline_edge_api::problem::{self, Kind};
use worker::{Headers, Response};

/// A refusal, or a failure of ours.
#[derive(Debug)]
pub enum Failure {
    /// The caller is told this.
    Refused(Box<Problem>),
    /// The platform failed: logged, the caller is told [`problem::INTERNAL`].
    Platform(worker::Error),
    /// The configuration is wrong: logged, the caller is told [`problem::MISCONFIGURED`].
    Config(ConfigError),
    /// D1 failed: logged, the caller is told [`problem::UNAVAILABLE`].
    Directory(worker::Error),
}

/// What a route gives back.
pub type Answer<T = Response> = Result<T, Failure>;

/// A refusal of this kind, with a sentence that says what to do.
pub fn refuse(kind: Kind, detail: impl Into<String>) -> Failure {
    kind.problem(detail).into()
}

/// No credential, or none that is good. One sentence for all reasons.
pub fn unauthorized() -> Failure {
    refuse(
        problem::UNAUTHORIZED,
        "Sign in, or renew the token by the device credential, and send it as Authorization.",
    )
}

/// Not there, or not the caller's to know of.
pub fn not_found() -> Failure {
    refuse(
        problem::NOT_FOUND,
        "There is nothing here for this caller. Check the path.",
    )
}

/// Too many tries; come back after `retry_after_s`.
pub fn too_many(retry_after_s: u32) -> Failure {
    let mut problem =
        problem::TOO_MANY.problem(format!("Wait {retry_after_s} s before the next try."));
    problem.retry_after_s = Some(retry_after_s);
    problem.into()
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<worker::Error> for Failure {
    fn from(error: worker::Error) -> Self {
        Self::Platform(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl Failure {
    /// Logs what is ours, and makes the document.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Refused(problem) => *problem,
            Self::Platform(error) => {
                worker::console_error!("event=failure of=platform error={error}");
                problem::INTERNAL
                    .problem("Try again. If it stays, the operator finds the reason in the log.")
            }
            Self::Config(error) => {
                worker::console_error!("event=failure of=configuration error={error}");
                problem::MISCONFIGURED.problem("The operator finds what to set in the log.")
            }
            Self::Directory(error) => {
                worker::console_error!("event=failure of=directory error={error}");
                let mut problem = problem::UNAVAILABLE
                    .problem("The directory cannot be reached. Try again in a moment.");
                problem.retry_after_s = Some(2);
                problem
            }
        }
    }

    /// The response for it.
    pub fn into_response(self) -> worker::Result<Response> {
        let problem = self.into_problem();
        let headers = Headers::new();
        headers.set("Content-Type", "application/problem+json")?;
        if let Some(seconds) = problem.retry_after_s {
            headers.set("Retry-After", &seconds.to_string())?;
        }
        if problem.status == 401 {
            headers.set("WWW-Authenticate", "Bearer")?;
        }
        let body = serde_json::to_string(&problem).map_err(worker::Error::from)?;
        Ok(Response::ok(body)?
            .with_status(problem.status)
            .with_headers(headers))
    }
}
