//! The stand-in as the SDK's HTTP client: no sockets, so that paused time can pass.

use std::io;

use aws_config::{ConfigLoader, SdkConfig};
use aws_sdk_elasticloadbalancingv2::config::{
    Credentials, Region, RuntimeComponents,
    http::{HttpRequest, HttpResponse},
};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::{Reply, Standin};

impl Standin {
    /// The function's own SDK settings, with this stand-in as the network.
    pub async fn in_process(&self) -> SdkConfig {
        self.settings().credentials_provider(Credentials::new("id", "secret", None, None, "test")).load().await
    }

    /// The same, before it has credentials.
    pub fn settings(&self) -> ConfigLoader {
        aurora_nlb_failover::aws::sdk::settings(self.clone()).region(Region::new("eu-west-1"))
    }
}

impl HttpClient for Standin {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Standin {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let standin = self.clone();
        HttpConnectorFuture::new(async move {
            match standin.answer(request.body().bytes().unwrap_or_default()) {
                Reply::Answer { status, body, delay } => {
                    if !delay.is_zero() {
                        tokio::time::sleep(delay).await;
                    }
                    Ok(HttpResponse::new(status.try_into().unwrap(), body.into()))
                }
                Reply::Dropped => Err(ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())),
            }
        })
    }
}
