//! Whose certificates the services may show.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls_pki_types::{CertificateDer, pem::PemObject};

/// Whom to trust: the certificates in the file that `AWS_CA_BUNDLE` names, if it is set, as with other AWS SDKs; else those
/// of `SSL_CERT_FILE` and `SSL_CERT_DIR`; else the system's. The Rust SDK by itself does not read the first
/// (<https://github.com/awslabs/aws-sdk-rust/issues/1362>).
///
/// # Errors
/// One line, if that file holds no certificate that could be an anchor.
pub fn anchors(ca_bundle: Option<&str>) -> Result<TlsContext, String> {
    let Some(path) = ca_bundle.filter(|path| !path.is_empty()) else { return Ok(TlsContext::default()) };
    let bad = |why: &str| format!("AWS_CA_BUNDLE={path:?}: expected a file with PEM certificates ({why})");
    let text = std::fs::read(path).map_err(|error| bad(&error.to_string()))?;
    let text = String::from_utf8_lossy(&text);
    let usable: Vec<_> = text.split_inclusive("-----END CERTIFICATE-----").filter(|pem| is_anchor(pem)).collect();
    if usable.is_empty() {
        return Err(bad("it holds none that can be used"));
    }
    let store = usable.into_iter().fold(TrustStore::empty(), TrustStore::with_pem_certificate);
    TlsContext::builder().with_trust_store(store).build().map_err(|error| bad(&error.to_string()))
}

/// The TLS library would panic on a certificate that it cannot use, and the bundles of systems hold such.
fn is_anchor(pem: &str) -> bool {
    CertificateDer::from_pem_slice(pem.as_bytes()).is_ok_and(|der| webpki::anchor_from_trusted_cert(&der).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdk::https_with;

    /// Amazon Root CA 3.
    const ANCHOR: &str = "-----BEGIN CERTIFICATE-----
MIIBtjCCAVugAwIBAgITBmyf1XSXNmY/Owua2eiedgPySjAKBggqhkjOPQQDAjA5
MQswCQYDVQQGEwJVUzEPMA0GA1UEChMGQW1hem9uMRkwFwYDVQQDExBBbWF6b24g
Um9vdCBDQSAzMB4XDTE1MDUyNjAwMDAwMFoXDTQwMDUyNjAwMDAwMFowOTELMAkG
A1UEBhMCVVMxDzANBgNVBAoTBkFtYXpvbjEZMBcGA1UEAxMQQW1hem9uIFJvb3Qg
Q0EgMzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCmXp8ZBf8ANm+gBG1bG8lKl
ui2yEujSLtf6ycXYqm0fc4E7O5hrOXwzpcVOho6AF2hiRVd9RFgdszflZwjrZt6j
QjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgGGMB0GA1UdDgQWBBSr
ttvXBp43rDCGB5Fwx5zEGbF4wDAKBggqhkjOPQQDAgNJADBGAiEA4IWSoxe3jfkr
BqWTrBqYaGFy+uGh0PsceGCmQ5nFuMQCIQCcAu/xlJyzlvnrxir4tiz+OpAUFteM
YyRIHN8wfdVoOw==
-----END CERTIFICATE-----
";

    #[test]
    fn a_bundle_may_hold_what_is_no_anchor_beside_what_is_one() {
        let junk = ANCHOR.replace("MIIBtjCC", "MIIBtjCD");
        let cases = [
            (String::new(), false),
            (junk.clone(), false),
            ("no PEM".to_owned(), false),
            (format!("# comment\n{junk}{ANCHOR}"), true),
        ];
        for (i, (text, usable)) in cases.into_iter().enumerate() {
            let file = std::env::temp_dir().join(format!("aurora-nlb-failover-bundle-{}-{i}.pem", std::process::id()));
            std::fs::write(&file, text).unwrap();
            let trust = anchors(file.to_str()).map(https_with);
            std::fs::remove_file(&file).unwrap();
            assert_eq!(trust.is_ok(), usable, "case {i}");
        }
    }

    #[test]
    fn a_bundle_that_is_not_there_is_refused_by_name_and_an_empty_variable_is_none() {
        let line = anchors(Some("/no/such/file.pem")).unwrap_err();
        assert!(line.starts_with("AWS_CA_BUNDLE=\"/no/such/file.pem\": expected a file"), "{line}");
        assert!(anchors(Some("")).is_ok() && anchors(None).is_ok());
    }
}
