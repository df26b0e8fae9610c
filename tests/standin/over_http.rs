//! The stand-in as a server on loopback.

use http_body_util::{BodyExt, Full};
use hyper::Response;

use super::server::{Answer, Server};
use super::{Reply, Standin};

impl Standin {
    /// Serves on a free port of 127.0.0.1 until the server is dropped.
    pub async fn serve(&self) -> Server {
        let standin = self.clone();
        Server::start(None, move |request| {
            let standin = standin.clone();
            async move { standin.respond(&request.into_body().collect().await.ok()?.to_bytes()).await }
        })
        .await
    }

    /// Answers one call.
    pub async fn respond(&self, body: &[u8]) -> Answer {
        let Reply::Answer { status, body, delay } = self.answer(body) else { return None };
        tokio::time::sleep(delay).await;
        Some(Response::builder().status(status).header("Content-Type", "text/xml").body(Full::from(body)).unwrap())
    }
}
