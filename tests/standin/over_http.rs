//! The stand-in as a server on loopback.

use std::io;
use std::sync::{Arc, Mutex};

use wiremock::{Match, Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::{Reply, Standin};

impl Standin {
    /// Serves on a free port of 127.0.0.1 until the server is dropped.
    pub async fn serve(&self) -> MockServer {
        let server = MockServer::builder().disable_request_recording().start().await;
        let reply = Arc::new(Mutex::new(Reply::Dropped));
        // The call is answered where the first mock is matched: whether the connection drops is known only then.
        let is_answered = Answered { standin: self.clone(), reply: reply.clone() };
        let answer = move |_: &Request| match &*reply.lock().unwrap() {
            Reply::Answer { status, body, delay } => {
                ResponseTemplate::new(*status).set_body_raw(body.clone(), "text/xml").set_delay(*delay)
            }
            Reply::Dropped => unreachable!("a dropped call does not match"),
        };
        Mock::given(is_answered).respond_with(answer).with_priority(1).mount(&server).await;
        let reset = |_: &Request| io::Error::from(io::ErrorKind::ConnectionReset);
        Mock::given(any()).respond_with_err(reset).with_priority(2).mount(&server).await;
        server
    }
}

struct Answered {
    standin: Standin,
    reply: Arc<Mutex<Reply>>,
}

impl Match for Answered {
    fn matches(&self, request: &Request) -> bool {
        let reply = self.standin.answer(&request.body);
        let answered = matches!(reply, Reply::Answer { .. });
        *self.reply.lock().unwrap() = reply;
        answered
    }
}
