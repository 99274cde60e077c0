"""The headers of every answer of the console, by the ``secure`` package."""

from __future__ import annotations

from collections.abc import Mapping

from secure import (
    CacheControl,
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

#: Seconds a browser insists on HTTPS: a year, as https://hstspreload.org asks for at least.
_YEAR = 365 * 24 * 3600


def headers(*, is_secure: bool) -> Mapping[str, str]:
    """The headers. With ``is_secure`` browsers are told to use HTTPS only."""
    # Nothing is loaded from elsewhere, and no script or style is in a page (https://www.w3.org/TR/CSP3/).
    csp = (
        ContentSecurityPolicy()
        .default_src("'none'")
        .script_src("'self'")
        .style_src("'self'")
        .img_src("'self'")
        .connect_src("'self'")
        .form_action("'self'")
        .base_uri("'none'")
        .frame_ancestors("'none'")
    )
    return Secure(
        csp=csp,
        cache=CacheControl().no_store(),
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        hsts=StrictTransportSecurity().max_age(_YEAR) if is_secure else None,
        permissions=PermissionsPolicy().camera().geolocation().microphone(),
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions(),
        xfo=XFrameOptions().deny(),
    ).headers
