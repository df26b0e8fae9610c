//! An HTTP server on loopback, with TLS or without, that counts its connections and can close them.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// `None` drops the connection instead.
pub type Answer = Option<Response<Full<Bytes>>>;

type Handler = Arc<dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// A server on a free port; it ends with the handle.
pub struct Server {
    pub address: SocketAddr,
    task: JoinHandle<()>,
    /// Each open connection holds a receiver, and ends when that is notified.
    connections: Arc<watch::Sender<()>>,
    accepted: Arc<AtomicUsize>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start<F>(tls: Option<TlsAcceptor>, handler: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static) -> Server
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, accepted) = (Arc::new(watch::Sender::new(())), Arc::new(AtomicUsize::new(0)));
        let (open, count) = (connections.clone(), accepted.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(connection(stream, tls.clone(), handler.clone(), open.subscribe()));
            }
        });
        Server { address, task, connections, accepted }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections have been made to it so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many of them are open.
    pub fn open(&self) -> usize {
        self.connections.receiver_count()
    }

    /// Closes all idle connections, as a server does that has waited long enough.
    pub async fn close_connections(&self) {
        self.connections.send_replace(());
        let closed = tokio::time::timeout(Duration::from_secs(5), self.connections.closed()).await;
        closed.unwrap_or_else(|_| panic!("{} connections are still open", self.open()));
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, handler: Handler, closing: watch::Receiver<()>) {
    let Some(tls) = tls else { return talk(stream, handler, closing).await };
    if let Ok(stream) = tls.accept(stream).await {
        talk(stream, handler, closing).await;
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin, handler: Handler, mut closing: watch::Receiver<()>) {
    let service = service_fn(|request| {
        let answer = handler(request);
        async move { answer.await.ok_or(io::ErrorKind::ConnectionReset).map_err(io::Error::from) }
    });
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    // A function that is killed drops its connections: that is not a fault.
    tokio::select! {
        served = connection.as_mut() => drop(served),
        _ = closing.changed() => {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}
