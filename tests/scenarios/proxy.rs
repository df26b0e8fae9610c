//! The built binary with a proxy: calls of https endpoints go through a `CONNECT` tunnel with TLS inside, all others directly.

use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::Certificates;
use crate::lambda::{Lambda, fresh};
use crate::standin::server::Server;
use crate::standin::{CLUSTER, TARGET_GROUP, ip_dict};
use crate::support::*;

/// Of localhost and of AWS's own names.
static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proxy");
    std::fs::create_dir_all(&folder).unwrap();
    Certificates::make(&folder)
});

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

#[derive(Clone, Copy, PartialEq)]
enum Peer {
    /// AWS itself, over TLS.
    Aws,
    /// A proxy: it takes every name to AWS, so that no name has to be in DNS.
    Proxy,
    /// The same over TLS.
    TlsProxy,
    /// A proxy that wants a user.
    ClosedProxy,
}

/// The stand-in for AWS, and the ways to it on loopback.
struct Network {
    standin: Server,
    /// The name that a table has for a server, and the server's port.
    ports: Vec<(&'static str, u16)>,
    /// What the proxies were asked: each request line, with `Proxy-Authorization` if that was sent.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Network {
    async fn start(standin: &Standin) -> Network {
        let mut network = Network { standin: standin.serve().await, ports: vec![], asked: Arc::default() };
        for (name, peer) in
            [("AWS", Peer::Aws), ("OPEN_PROXY", Peer::Proxy), ("TLS_PROXY", Peer::TlsProxy), ("CLOSED_PROXY", Peer::ClosedProxy)]
        {
            network.ports.push((name, listen(peer, &network.standin, &network.asked).await));
        }
        network
    }

    /// Puts the addresses of the servers in place of their names.
    fn resolve(&self, value: &str) -> String {
        let value = value.replace("STANDIN", &self.standin.address.to_string());
        self.ports.iter().fold(value, |value, (name, port)| value.replace(name, &format!("localhost:{port}")))
    }

    /// What the proxies were asked, each once, sorted.
    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked.dedup();
        asked
    }
}

async fn listen(peer: Peer, standin: &Server, asked: &Arc<Mutex<Vec<String>>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, standin, asked) = (listener.local_addr().unwrap().port(), standin.address, asked.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let asked = asked.clone();
            // A function that is killed drops its connections: that is not a failure.
            tokio::spawn(async move { drop(serve(peer, Box::new(stream), standin, &asked).await) });
        }
    });
    port
}

async fn serve(
    peer: Peer,
    mut stream: Box<dyn Stream>,
    standin: std::net::SocketAddr,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    if peer == Peer::TlsProxy {
        stream = Box::new(CERTIFICATES.acceptor.accept(stream).await?);
    }
    if peer != Peer::Aws {
        let head = head(&mut stream).await?;
        asked.lock().unwrap().push(head);
        if peer == Peer::ClosedProxy {
            return stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
        }
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    }
    let mut stream = CERTIFICATES.acceptor.accept(stream).await?;
    copy_bidirectional(&mut stream, &mut TcpStream::connect(standin).await?).await?;
    Ok(())
}

/// The request line, and `Proxy-Authorization` if it is there.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let is_kept = |line: &&str| line.starts_with("CONNECT ") || line.starts_with("Proxy-Authorization: ");
    Ok(head.lines().filter(is_kept).collect::<Vec<_>>().join(", "))
}

/// The answers to `payloads` of a function with these variables, in which the names of servers stand for their addresses.
async fn answers(network: &Network, payloads: Vec<Vec<u8>>, timeout: Duration, variables: &[(&str, &str)]) -> Vec<Value> {
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, network.resolve(value))).collect();
    let map = ip_dict();
    let defaults = [
        ("TARGET_GROUP_ARN", TARGET_GROUP),
        ("IP_DICT", map.as_str()),
        ("DB_CLUSTER_ID", CLUSTER),
        ("SSL_CERT_FILE", CERTIFICATES.bundle.to_str().unwrap()),
    ];
    let variables: Vec<_> = defaults.into_iter().chain(variables.iter().map(|(name, value)| (*name, value.as_str()))).collect();
    let mut lambda = Lambda::start_bare(&variables).await;
    let mut answers = vec![];
    for payload in payloads {
        answers.push(lambda.invoke_within(timeout, payload).await.1);
    }
    answers
}

#[tokio::test]
async fn calls_of_https_endpoints_go_through_the_proxy_and_no_others() {
    const ELB: &str = "CONNECT elasticloadbalancing.eu-west-1.amazonaws.com:443 HTTP/1.1";
    const RDS: &str = "CONNECT rds.eu-west-1.amazonaws.com:443 HTTP/1.1";
    const DIRECT: &str = "CONNECT AWS HTTP/1.1";
    let with_password = [ELB, RDS].map(|head| format!("{head}, Proxy-Authorization: Basic dXNlcjpzQGNyZXQ="));
    let with_password: Vec<_> = with_password.iter().map(String::as_str).collect();
    // The variables, and what the proxies are asked.
    let table: [(&[(&str, &str)], &[&str]); 12] = [
        (&[("HTTPS_PROXY", "http://OPEN_PROXY")], &[ELB, RDS]),
        (&[("HTTPS_PROXY", "OPEN_PROXY")], &[ELB, RDS]),
        (&[("HTTPS_PROXY", "https://TLS_PROXY")], &[ELB, RDS]),
        (&[("HTTPS_PROXY", "http://CLOSED_PROXY"), ("https_proxy", "http://OPEN_PROXY")], &[ELB, RDS]),
        (&[("HTTPS_PROXY", "http://OPEN_PROXY"), ("https_proxy", "")], &[ELB, RDS]),
        (&[("HTTPS_PROXY", "http://user:s%40cret@OPEN_PROXY")], &with_password),
        (&[("HTTPS_PROXY", "http://user:s@cret@OPEN_PROXY")], &with_password),
        // Such as a VPC endpoint for one of the two services.
        (&[("HTTPS_PROXY", "http://OPEN_PROXY"), ("AWS_ENDPOINT_URL_RDS", "https://AWS"), ("NO_PROXY", "localhost")], &[ELB]),
        (
            &[("HTTPS_PROXY", "http://OPEN_PROXY"), ("AWS_ENDPOINT_URL_RDS", "https://AWS"), ("NO_PROXY", "example.com")],
            &[ELB, DIRECT],
        ),
        (&[("HTTPS_PROXY", "http://OPEN_PROXY"), ("AWS_ENDPOINT_URL", "https://AWS"), ("no_proxy", "*")], &[]),
        (&[("HTTPS_PROXY", "http://OPEN_PROXY"), ("AWS_ENDPOINT_URL", "http://STANDIN")], &[]),
        (&[("HTTP_PROXY", "http://OPEN_PROXY"), ("ALL_PROXY", "http://OPEN_PROXY"), ("AWS_ENDPOINT_URL", "https://AWS")], &[]),
    ];
    for (variables, expected) in table {
        let standin = Standin::new();
        let network = Network::start(&standin).await;
        let payloads = vec![br#"{"action":"check"}"#.to_vec(), fresh(&started("aurora-2", 0))];
        let answers = answers(&network, payloads, Duration::from_secs(30), variables).await;
        assert_eq!((&answers[0]["in_sync"], &answers[0]["findings"]), (&json!(true), &json!([])), "{variables:?}");
        assert_eq!(answers[1]["outcome"], "switched", "{variables:?}");
        assert_eq!(
            (standin.registered(), network.asked()),
            (vec![B.to_owned()], expected.iter().map(|head| network.resolve(head)).collect()),
            "{variables:?}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_the_reason_of_the_error() {
    let network = Network::start(&Standin::new()).await;
    let variables = [("HTTPS_PROXY", "http://CLOSED_PROXY")];
    let answers = answers(&network, vec![fresh(&started("aurora-2", 0))], Duration::from_secs(2), &variables).await;
    assert_eq!(answers[0]["errorType"], "DeadlineExceeded");
    let message = answers[0]["errorMessage"].as_str().unwrap();
    assert!(message.contains("proxy authorization required"), "{message}");
}

/// The table of bad values is in src/aws/proxy.rs.
#[tokio::test]
async fn a_bad_proxy_ends_the_init_phase_without_its_password() {
    let bad = ("HTTPS_PROXY", "socks5://user:secret@proxy:1080");
    let mut lambda = Lambda::start_bare(&[("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", &ip_dict()), bad]).await;
    let sent = lambda.api.sent().await;
    let (path, body) = (sent.path, sent.body);
    assert_eq!((path.as_str(), &body["errorType"]), ("init/error", &json!("InvalidConfiguration")));
    let line = body["errorMessage"].as_str().unwrap();
    assert!(line.starts_with(r#"HTTPS_PROXY="socks5://proxy:1080": expected the http or https URL"#), "{line}");
    let log = String::from_utf8(lambda.function.wait_with_output().await.unwrap().stdout).unwrap();
    assert!(log.contains("InvalidConfiguration") && !log.contains("secret"), "{log}");
}
