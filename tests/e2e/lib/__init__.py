# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a daemon, an origin, a client and TAP."""
