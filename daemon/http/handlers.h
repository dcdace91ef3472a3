/* SPDX-License-Identifier: Apache-2.0 */
/* The two functions of each route (route.h): begin, and end where the answer needs a last word. */
#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

#include "daemon/http/connection.h"

enum outcome write_begin(struct connection *connection);
enum outcome write_end(struct connection *connection);
enum outcome read_begin(struct connection *connection);
/* The last call of a `begin`: `query` runs on the second block, at a sequence that has all that the
 * client may have seen, or at its min_seq. */
enum outcome read_from_follower(struct connection *connection, request_query_fn query);
enum outcome pool_snapshot_begin(struct connection *connection);
enum outcome pool_snapshot_end(struct connection *connection);
enum outcome actions_begin(struct connection *connection);
enum outcome log_read_end(struct connection *connection);
enum outcome stream_begin(struct connection *connection);
enum outcome stream_end(struct connection *connection);
enum outcome settlements_begin(struct connection *connection);
enum outcome settlement_begin(struct connection *connection);
enum outcome live_begin(struct connection *connection);
enum outcome ready_begin(struct connection *connection);
enum outcome ready_end(struct connection *connection);
enum outcome metrics_begin(struct connection *connection);
enum outcome simulation_begin(struct connection *connection);
enum outcome simulation_end(struct connection *connection);
enum outcome webhook_begin(struct connection *connection);
enum outcome contract_begin(struct connection *connection);
enum outcome identity_begin(struct connection *connection);
enum outcome backup_create_begin(struct connection *connection);
enum outcome backup_show_begin(struct connection *connection);
enum outcome backup_delete_begin(struct connection *connection);
enum outcome backup_file_begin(struct connection *connection);
enum outcome archive_move_begin(struct connection *connection);
enum outcome archive_show_begin(struct connection *connection);
enum outcome clock_begin(struct connection *connection);

#endif
