//! The operations of the endpoint, each a method of [`Service`](crate::service::Service).

mod acls;
pub(crate) mod admission;
pub(crate) mod buckets;
pub(crate) mod multipart;
pub(crate) mod objects;
