//! Several providers of mail as one (texts and calls have rules of their own, in `phones::deliver`): the next is asked, with the same message, where one refuses or does not answer in time.

use futures_util::future::BoxFuture;
use stepgate_core::contact::EmailAddress;

use super::{DeliveryError, Mail, Mailer, ProviderId};

/// Providers in the order in which they are asked.
///
/// A time-out may mean that the first did send: the person then gets the same mail twice, which does no harm.
pub struct Failover<G: ?Sized>(Vec<Box<G>>);

impl<G: ?Sized> Failover<G> {
    /// Asks `providers` in this order.
    pub const fn new(providers: Vec<Box<G>>) -> Self {
        Self(providers)
    }
}

impl Mailer for Failover<dyn Mailer> {
    fn name(&self) -> &str {
        "failover"
    }

    fn send_mail<'a>(
        &'a self,
        to: &'a EmailAddress,
        mail: &'a Mail,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
        Box::pin(first_to_accept(self.0.iter().map(move |it| (it.name(), it.send_mail(to, mail)))))
    }
}

/// The first acceptance; else a passing failure if there was one, so that the message is tried again, else the last
/// refusal. `attempts` makes each future at its turn only.
async fn first_to_accept<'a>(
    attempts: impl Iterator<Item = (&'a str, BoxFuture<'a, Result<ProviderId, DeliveryError>>)> + Send,
) -> Result<ProviderId, DeliveryError> {
    let mut failure = None;
    for (provider, attempt) in attempts {
        match attempt.await {
            Ok(id) => return Ok(id),
            Err(error) => {
                tracing::warn!(provider, %error, "a provider did not take a message on");
                let keeps_hope = failure.is_some_and(DeliveryError::is_passing) && !error.is_passing();
                failure = if keeps_hope { failure } else { Some(error) };
            }
        }
    }
    Err(failure.unwrap_or(DeliveryError::Unavailable))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use stepgate_core::secret::SecretString;
    use stepgate_core::time::Timestamp;

    use super::*;

    /// A provider with one answer, which notes what it was asked.
    struct Provider(&'static str, Result<(), DeliveryError>, Arc<Mutex<Vec<(&'static str, String)>>>);

    impl Mailer for Provider {
        fn name(&self) -> &str {
            self.0
        }

        fn send_mail<'a>(
            &'a self,
            _: &'a EmailAddress,
            mail: &'a Mail,
        ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
            Box::pin(async move {
                self.2.lock().unwrap().push((self.0, mail.text.expose().clone()));
                self.1.map(|()| ProviderId { provider: self.0.to_owned(), id: "1".to_owned() })
            })
        }
    }

    #[tokio::test]
    async fn the_next_is_asked_for_the_same_mail_until_one_accepts() {
        let (ok, refused) = (Ok(()), Err(DeliveryError::Refused { code: 1 }));
        let (throttled, unavailable) = (Err(DeliveryError::Throttled), Err(DeliveryError::Unavailable));
        for (answers, asked, outcome) in [
            (vec![ok, ok], vec!["a"], Ok("a")),
            (vec![refused, ok], vec!["a", "b"], Ok("b")),
            (vec![unavailable, throttled, ok], vec!["a", "b", "c"], Ok("c")),
            (vec![unavailable, refused], vec!["a", "b"], Err(DeliveryError::Unavailable)),
            (vec![refused, throttled], vec!["a", "b"], Err(DeliveryError::Throttled)),
            (vec![refused, refused], vec!["a", "b"], Err(DeliveryError::Refused { code: 1 })),
            (vec![], vec![], Err(DeliveryError::Unavailable)),
        ] {
            let log = Arc::new(Mutex::new(Vec::new()));
            let providers = ["a", "b", "c"].into_iter().zip(answers);
            let failover: Failover<dyn Mailer> = Failover::new(
                providers.map(|(name, answer)| Box::new(Provider(name, answer, Arc::clone(&log))) as Box<_>).collect(),
            );
            let mail = Mail {
                subject: "A notice".to_owned(),
                text: SecretString::new("words".to_owned()),
                id: stepgate_core::id::MessageId::from_uuid(uuid::Uuid::nil()),
                code: None,
                at: Timestamp::from_unix_seconds(0),
            };
            let answer = failover.send_mail(&"bob@example.com".parse().unwrap(), &mail).await;
            assert_eq!(answer.map(|id| id.provider), outcome.map(str::to_owned));
            let expected: Vec<_> = asked.into_iter().map(|name| (name, "words".to_owned())).collect();
            assert_eq!(*log.lock().unwrap(), expected);
        }
    }
}
